"""The documentation site: ``make docs`` builds it into docs/_build/html, warnings are errors.

Nothing is fetched while it builds.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

import lmu_hw  # noqa: E402

# Components list their ports in a section of their own; see `ports_as_attributes`.
warnings.filterwarnings("ignore", message="Unknown section Members")

project = "lmu-hw"
author = copyright = "the lmu-hw authors"
release = version = lmu_hw.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
    "cli_reference",
    "program_semantics",
    "report_gallery",
]
exclude_patterns = ["_build", "_ext", "gallery/**/*.ipynb", "gallery/*.ipynb", "gallery/*.py"]
nitpicky = True
# Other projects' names would need their inventories from the network.
# A stage that docstrings name and that has no page.
nitpick_ignore = [("py:obj", "lmu_hw.rtl.schedule.schedule")]
nitpick_ignore_regex = [("py:.*", r"(?!lmu_hw\.).*")]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Only files named plot_*.py run, in seconds and without data.
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 3600,
    "remove_config_comments": True,
    "abort_on_example_error": True,
}

html_theme = "furo"
html_title = "lmu-hw"
html_static_path = ["_static"]
html_css_files = ["lmu_hw.css"]
html_copy_source = False
html_show_sphinx = False
# Times and links of a repository are left out: the same sources give the same pages.
html_last_updated_fmt = None


def ports_as_attributes(app: Any, what: str, name: str, obj: Any, options: Any, lines: Any) -> None:
    """Rename the section of an Amaranth component's ports to one that numpydoc knows."""
    for k, line in enumerate(lines[:-1]):
        if line == "Members" and lines[k + 1] == "-------":
            lines[k : k + 2] = ["Attributes", "----------"]


def setup(app: Any) -> None:
    """Connect before numpydoc."""
    app.connect("autodoc-process-docstring", ports_as_attributes, priority=100)
