"""Written by benchmarks/synthesis_fit.py; do not edit."""

from __future__ import annotations

# in the order of `lmu_hw.measure.synthesis.estimate.FEATURES`
COEFFICIENTS: dict[str, dict[str, tuple[float, ...]]] = {
    "ice40": {
        # errors -15 to +20 %, 5 % in the mean of 26
        "luts": (
            0.0,
            0.2874,
            0.4713,
            0.0,
            0.0,
            0.0,
            0.0,
            2.4516,
            0.0,
            2.6864,
            0.0,
        ),
        # errors -13 to +14 %, 7 % in the mean of 26
        "ffs": (
            0.8073,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.3109,
            0.0,
            0.0148,
            0.0,
            0.0,
        ),
    },
    "ecp5": {
        # errors -11 to +16 %, 7 % in the mean of 13
        "luts": (
            0.0,
            0.0294,
            0.568,
            0.0,
            0.0,
            3.2934,
            0.0,
            1.1835,
            0.0,
            0.0,
            0.0,
        ),
        # errors -11 to +17 %, 6 % in the mean of 13
        "ffs": (
            0.7387,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.5697,
            0.0,
            0.0,
        ),
    },
    "gowin": {
        # errors -12 to +13 %, 6 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.5885,
            0.0,
            0.0,
            2.6527,
            0.0,
            1.6594,
            0.0,
            0.0,
            0.0,
        ),
        # errors -11 to +17 %, 6 % in the mean of 13
        "ffs": (
            0.7398,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            1.5475,
            0.0,
            0.0,
        ),
    },
    "xc7": {
        # errors -17 to +12 %, 8 % in the mean of 13
        "luts": (
            0.0,
            0.0,
            0.3902,
            0.0,
            0.0,
            0.8272,
            0.0,
            0.8336,
            0.0,
            0.0,
            6.2634,
        ),
        # errors -14 to +21 %, 8 % in the mean of 13
        "ffs": (
            0.3012,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            3.9632,
            0.0,
            0.0,
        ),
    },
}
