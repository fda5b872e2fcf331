"""Pictures drawn with Matplotlib: one style, light and dark, the same bytes for the same data."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ToolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REMEDY = "python -m pip install 'lmu-hw[plots]'"


def check_matplotlib() -> None:
    """Check that Matplotlib is installed.

    Raises
    ------
    ToolError
        If it is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ToolError(f"pictures need {error.name}: {REMEDY}") from error


@contextlib.contextmanager
def picture_style(settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Draw and write pictures inside this: settings of the user do not reach them.

    Parameters
    ----------
    settings : mapping, optional
        Further parameters of Matplotlib, by name.
    """
    check_matplotlib()
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # names inside an SVG without it are random; text stays text
        matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
        matplotlib.rcParams["svg.fonttype"] = "none"
        matplotlib.rcParams.update(settings or {})
        yield


def svg_of(figure: Figure) -> bytes:
    """Return a figure as SVG, without a date."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
