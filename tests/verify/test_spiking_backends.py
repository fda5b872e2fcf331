"""Memories on spiking neurons: words and spikes are equal in every backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmu_hw.verify.verify_build import verify_build
from tests.factories.builds import generate
from tests.tools import require

POISSON = ("--neuron-model", "poisson")
DESIGNS: dict[str, tuple[object, ...]] = {
    "integrate 1": ("--d", 1, "--neurons", 64),
    "integrate 3": ("--d", 3, "--neurons", 384, "--lanes", 4, "--state-port"),
    "integrate 6": ("--d", 6, "--neurons", 3072, "--lanes", 16),
    "integrate 12": ("--d", 12, "--neurons", 384, "--discretizer", "bilinear"),
    "integrate 24": ("--d", 24, "--theta", 100, "--neurons", 6144, "--lanes", 4),
    "integrate channels": ("--d", 3, "--neurons", 96, "--channels", 3, "--output", "state"),
    "poisson 1": ("--d", 1, "--neurons", 64, *POISSON),
    "poisson 3": ("--d", 3, "--neurons", 96, "--generators", 4, "--lanes", 4, *POISSON),
    "poisson 6": ("--d", 6, "--neurons", 768, "--generators", 16, "--state-port", *POISSON),
    "poisson 12": ("--d", 12, "--neurons", 384, "--generators", 16, "--lanes", 16, *POISSON),
    "poisson 24": ("--d", 24, "--theta", 100, "--neurons", 192, "--generators", 4, *POISSON),
    "poisson channels": (
        *("--d", 6, "--neurons", 96, "--generators", 4, "--channels", 2, *POISSON),
        *("--output", "taps=0,0.5,1", "--lanes", 2, "--state-port"),
    ),
}
"""Orders, models, generators, lanes and outputs; resets, stalls and saved states are verify's."""
BACKENDS = ("icarus", "c", "cxxrtl", "verilator", "c-m0", "c-m4", "c-rv32")


@pytest.mark.sim
@pytest.mark.qemu
@pytest.mark.soak
@pytest.mark.parametrize("name", DESIGNS)
def test_words_and_spikes_in_every_backend(name: str, tmp_path: Path) -> None:
    require("iverilog", "verilator", "qemu-system-arm", "arm-none-eabi-gcc", "cc|gcc|clang")
    options = ("--realization", "spiking", *DESIGNS[name])
    report = verify_build(
        generate(tmp_path / "out", *options), backends=",".join(BACKENDS), n_steps=300, quiet=True
    )
    report.check()
    assert {*BACKENDS} <= {result.backend for result in report.results}
    print(report)
