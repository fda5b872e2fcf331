"""What the pictures of analog circuits need beyond those of reports: schemdraw, and PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
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


def pdf_of(figures: Sequence[Figure]) -> bytes:
    """Return figures as the pages of a PDF, without a date."""
    from matplotlib.backends.backend_pdf import PdfPages

    file = io.BytesIO()
    with PdfPages(file, metadata={"CreationDate": None}) as pages:
        for figure in figures:
            pages.savefig(figure)
    return file.getvalue()
