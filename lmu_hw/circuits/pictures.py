"""Pictures of analog circuits: one style, and files that are the same for the same request."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import ToolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REMEDY = "python -m pip install 'lmu-hw[analog]'"


def check_drawing() -> None:
    """Check that the packages that draw are installed.

    Raises
    ------
    ToolError
        If matplotlib or schemdraw is missing.
    """
    try:
        import matplotlib  # noqa: F401
        import schemdraw  # noqa: F401
    except ImportError as error:
        raise ToolError(f"a schematic and pictures need {error.name}: {REMEDY}") from error


@contextlib.contextmanager
def picture_style() -> Iterator[None]:
    """Draw and write pictures inside this: settings of the user do not reach them."""
    check_drawing()
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # names inside an SVG without it are random; text stays text
        matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
        matplotlib.rcParams["svg.fonttype"] = "none"
        yield


def svg_of(figure: Figure) -> bytes:
    """Return a figure as SVG, without a date."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def pdf_of(figures: Sequence[Figure]) -> bytes:
    """Return figures as the pages of a PDF, without a date."""
    from matplotlib.backends.backend_pdf import PdfPages

    file = io.BytesIO()
    with PdfPages(file, metadata={"CreationDate": None}) as pages:
        for figure in figures:
            pages.savefig(figure)
    return file.getvalue()
