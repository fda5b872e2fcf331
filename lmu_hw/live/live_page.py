"""The HTML of the live page."""

from __future__ import annotations

from .._support.templates import page_environment
from .._support.version import __version__
from .live_frame import LiveSetting


def live_page(setting: LiveSetting) -> str:
    """Return the page; everything but frames is inside."""
    template = page_environment().get_template("pages/live.html.j2")
    return template.render(
        title=setting.title, version=__version__, setting=setting, data=setting.to_dict()
    )
