"""Written by benchmarks/synthesis_fit.py; do not edit."""

from __future__ import annotations

# in the order of `lmu_hw.synthesis.estimate.FEATURES`
COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {
    "ice40": {
        # errors -17 to +10 %, 5 % in the mean of 26
        "luts": (
            0.0,
            0.379,
            0.4039,
            0.0,
            0.0,
            0.0,
            0.0,
            1.5853,
            0.0,
            2.7208,
            0.0,
        ),
        # errors -14 to +16 %, 6 % in the mean of 26
        "ffs": (
            0.8184,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.1164,
            0.0,
            0.0,
            0.0,
            0.0,
        ),
    },
    "ecp5": {
        # errors -18 to +22 %, 9 % in the mean of 13
        "luts": (
            0.0,
            0.1346,
            0.329,
            0.0,
            0.0,
            4.676,
            0.0,
            2.1055,
            0.0,
            0.0,
            0.0,
        ),
        # errors -11 to +20 %, 7 % in the mean of 13
        "ffs": (
            0.7028,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.8633,
            0.0,
            0.0,
        ),
    },
    "gowin": {
        # errors -22 to +15 %, 8 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.407,
            0.0,
            0.0,
            3.5875,
            0.0,
            2.4679,
            0.0,
            0.0,
            0.0,
        ),
        # errors -12 to +19 %, 7 % in the mean of 13
        "ffs": (
            0.6811,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            2.0685,
            0.0,
            0.0,
        ),
    },
    "xc7": {
        # errors -17 to +12 %, 7 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.3025,
            0.0,
            0.0,
            1.2348,
            0.0,
            0.9144,
            0.0,
            0.0,
            0.0,
        ),
        # errors -16 to +19 %, 9 % in the mean of 13
        "ffs": (
            0.3378,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            3.7703,
            0.0,
            0.0,
        ),
    },
}
