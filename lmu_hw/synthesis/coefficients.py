"""Written by benchmarks/synthesis_fit.py; do not edit."""

from __future__ import annotations

COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {
    name: {"luts": (0.5,) * 8, "ffs": (1.0,) + (0.0,) * 7}
    for name in ("ice40", "ecp5", "gowin", "xc7")
}
