"""The C compilers of this machine, and flags under which the generated C has no warning."""

from __future__ import annotations

import shutil

STRICT = [
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow"),
    "-Werror",
]
C99 = ["-std=c99", *STRICT]
CPP17 = ["-x", "c++", "-std=c++17", *STRICT]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
