"""Screenshots of the reports in the documentation: writes docs/images/reports/*.png.

    make docs
    PYTHONPATH=. python scripts/screenshot_reports.py

Needs chromium, and the reports that `make docs` wrote.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "docs" / "_build" / "html" / "reports"
IMAGES = ROOT / "docs" / "images" / "reports"
WIDTH, HEIGHT = 1240, 900
"""Size of a browser window [CSS pixel]."""
SHOWN = {
    "memory": "window",
    "digits": "accuracy",
    "spiking": "spikes",
    "analog": "delays",
}
"""The section of each report that its screenshot shows, below the head of the page."""
SCALE = 0.62
COLOURS = 200


def screenshot(page: Path, section: str, target: Path) -> None:
    """Take a screenshot of the head of a page and one of its sections."""
    with tempfile.TemporaryDirectory() as temporary:
        path, copy = Path(temporary) / "page.png", Path(temporary) / "page.html"
        alone = f"<style>section:not(#{section}) {{ display: none; }}</style></head>"
        copy.write_text(page.read_text().replace("</head>", alone, 1))
        command = [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={path}",
            copy.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Image.open(path) as image:
            size = (round(SCALE * WIDTH), round(SCALE * HEIGHT))
            small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            small.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    """Take all screenshots."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, section in SHOWN.items():
        page = REPORTS / f"{name}.html"
        if not page.is_file():
            sys.exit(f"there is no {page.relative_to(ROOT)}: run make docs first")
        screenshot(page, section, IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
