"""Written by benchmarks/synthesis_fit.py; do not edit."""

from __future__ import annotations

# in the order of `lmu_hw.synthesis.estimate.FEATURES`
COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {
    "ice40": {
        # errors -17 to +23 %, 6 % in the mean of 26
        "luts": (
            0.0,
            0.0825,
            0.3757,
            0.0,
            0.0,
            0.0,
            0.8453,
            1.4158,
            0.0,
            2.9304,
            2.7338,
            0.0,
        ),
        # errors -10 to +14 %, 5 % in the mean of 26
        "ffs": (
            0.5591,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.0225,
            0.0,
            1.9311,
            2.5146,
            0.0,
            0.0,
        ),
    },
    "ecp5": {
        # errors -15 to +21 %, 6 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.3354,
            0.0,
            0.0,
            6.3499,
            0.0,
            1.7347,
            0.0,
            0.0,
            0.0,
            0.0,
        ),
        # errors -9 to +13 %, 6 % in the mean of 13
        "ffs": (
            0.5641,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.9491,
            0.9926,
            0.0,
            0.0,
        ),
    },
    "gowin": {
        # errors -16 to +10 %, 7 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.4695,
            0.0,
            0.0,
            3.1162,
            0.0,
            2.7161,
            0.0,
            0.0,
            0.0,
            0.0,
        ),
        # errors -9 to +13 %, 6 % in the mean of 13
        "ffs": (
            0.5641,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.9491,
            0.9926,
            0.0,
            0.0,
        ),
    },
    "xc7": {
        # errors -14 to +11 %, 7 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.1999,
            0.1443,
            0.0,
            1.5935,
            0.0,
            1.0301,
            0.0,
            1.0326,
            0.0,
            0.0,
        ),
        # errors -15 to +24 %, 8 % in the mean of 13
        "ffs": (
            0.4683,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.3031,
            0.7524,
            0.0,
            0.0,
        ),
    },
}
