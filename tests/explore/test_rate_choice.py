"""The cheapest hardware that reaches a rate: by estimates, and by place and route."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError, ToolError
from lmu_hw.explore import rate_choice
from lmu_hw.explore.explored_point import FigureBasis
from lmu_hw.explore.rate_choice import RatedHardware, hardware_for_rate, rate_of, rate_text
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.models.network import Activation, DenseLayer, LinearMemory, LMULayer
from lmu_hw.rtl.layer_style import Layers
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel_style import Parallel
from tests.cli.command import call, refused

ECP5 = TARGETS["ecp5-25k"]


@cache
def design(order: int = 8, output: str = "state") -> lh.Design:
    return lh.compile(lh.Memory(order), bits=12, output=output)


@pytest.mark.parametrize(
    ("text", "rate"), [("5M", 5e6), ("250k", 250e3), ("1.5 G", 1.5e9), (2e6, 2e6), ("1e6", 1e6)]
)
def test_rates(text: object, rate: float) -> None:
    assert rate_of(text) == rate
    assert rate_of(rate_text(rate)) == rate


@pytest.mark.parametrize("text", ["fast", "5 MHz", "-5M", 0, -1.0, "", True])
def test_what_is_no_rate(text: object) -> None:
    with pytest.raises(SpecError, match="rate must be"):
        rate_of(text)


def test_a_faster_rate_takes_more_of_the_device() -> None:
    rates = ("10k", "10M", "20M")
    found = [hardware_for_rate(design(), rate, ECP5) for rate in rates]
    styles = [one.hardware.parallel for one in found]
    assert styles == [Parallel.RING, Parallel.RING, Parallel.FULL]
    costs = [(one.figures.share, one.figures.luts) for one in found]
    assert costs == sorted(costs)
    for one, rate in zip(found, rates, strict=True):
        assert one.rate >= rate_of(rate)
        assert one.hardware.interleave == 1
    assert "--parallel ring --sections-per-multiplier 4 --pipeline" in str(found[0])
    assert "--parallel full --pipeline 1" in str(found[2])


def test_a_large_memory_at_a_low_rate_shares_a_multiplier() -> None:
    large = lh.compile(lh.Memory(64), bits=16, output="state")
    found = hardware_for_rate(large, "10k", ECP5)
    assert found.hardware == Hardware()
    assert hardware_for_rate(large, "5M", ECP5).hardware.parallel is Parallel.RING


def test_the_cheapest_is_chosen_of_all_that_reach_the_rate() -> None:
    """Against every ring and every full design, estimated one by one."""
    found = hardware_for_rate(design(), "5M", ECP5)
    ring = [
        Hardware(parallel="ring", pipeline=pipeline, sections_per_multiplier=k)
        for pipeline in range(2, 7)
        for k in range(1, 5)
    ]
    full = [Hardware(parallel="full", pipeline=pipeline) for pipeline in range(1, 7)]
    for hardware in (Hardware(), *ring, *full):
        other = rate_choice.estimate(design().program, design().schedule(hardware), ECP5)
        reaches = (other.steps_per_second or 0) >= 5e6
        assert not reaches or other.share >= found.figures.share


def test_lanes_where_no_style_helps() -> None:
    dense = lh.compile(lh.Memory(12).spec(bits=12, realization="dense"))
    slow = hardware_for_rate(dense, "10k", ECP5)
    assert slow.hardware.lanes == 1
    fast = hardware_for_rate(dense, 1.5 * slow.rate, ECP5)
    assert fast.hardware.lanes > 1
    assert fast.hardware.parallel is Parallel.SHARED


def behind_a_memory(every: int = 1) -> lh.Design:
    """Return a network of a matrix."""
    rows = np.random.default_rng(0).standard_normal((3, 6)) / 6
    net = lh.Network.from_layers(
        LMULayer(memory=LinearMemory(order=6, theta=20.0), n_in=1),
        DenseLayer(W=rows, b=np.zeros(3), activation=Activation.LINEAR),
    )
    x = np.random.default_rng(1).uniform(-1, 1, (4, 60, 1))
    return lh.compile(net, widths={"act_bits": 8}, calibration=x, output_every=every)


def test_layers_behind_a_memory() -> None:
    found = [hardware_for_rate(behind_a_memory(), rate, ECP5) for rate in ("10k", "2M", "12M")]
    assert [one.hardware.parallel for one in found] != [Parallel.SHARED] * 3
    costs = [(one.figures.share, one.figures.luts) for one in found]
    assert costs == sorted(costs)
    fast = found[-1]
    assert fast.rate >= 12e6
    assert fast.hardware.layers in (Layers.PIPELINED, Layers.ADDERS)
    assert f"--layers {fast.hardware.layers.value}" in fast.options
    # none of the other kinds of layers is cheaper with the same memory
    plan = behind_a_memory().schedule
    for layers in ("pipelined", "adders"):
        hardware = replace(fast.hardware, layers=layers)
        other = rate_choice.estimate(behind_a_memory().program, plan(hardware), ECP5)
        cost = other.share, other.luts
        assert (other.steps_per_second or 0) < 12e6 or cost >= costs[-1]


def test_lanes_that_do_not_keep_up_set_the_rate() -> None:
    """With an output at every second step one lane needs more cycles than two steps."""
    slow = Hardware(parallel="ring", pipeline=2, sections_per_multiplier=3, layers="lanes")
    plan = behind_a_memory(2).schedule(slow)
    assert plan.cycles_per_output > 2 * plan.cycles_per_step
    found = rate_choice.estimate(behind_a_memory(2).program, plan, ECP5)
    assert found.clock_mhz
    cycles = plan.cycles_per_output / 2
    # the clock is rounded to 0.1 MHz
    assert found.steps_per_second == pytest.approx(found.clock_mhz * 1e6 / cycles, abs=5e4)
    candidates = list(rate_choice._candidates(behind_a_memory(2), Hardware(), ECP5, False))
    (one,) = (c for c in candidates if c.hardware == slow)
    assert one.rate == found.steps_per_second
    faster = [c for c in candidates if c.rate >= one.rate + 1]
    chosen = hardware_for_rate(behind_a_memory(2), f"{round(one.rate) + 1}", ECP5)
    assert chosen.hardware in [c.hardware for c in faster]


def test_the_port_and_the_streams_are_kept() -> None:
    port = hardware_for_rate(design(), "10M", ECP5, state_port=True)
    assert port.hardware.state_port
    with pytest.raises(SpecError, match="rate must be at most"):
        hardware_for_rate(design(), "10M", ECP5, streams="axi")


def test_nothing_is_fast_enough() -> None:
    with pytest.raises(
        SpecError,
        match=r"^rate must be at most \d.* steps/s on ecp5-25k, estimated with --parallel full "
        r"--pipeline 1, the fastest .*, not 1G: take ecp5-85k, or fewer bits$",
    ):
        hardware_for_rate(design(), "1G", ECP5)
    with pytest.raises(SpecError, match=r"no hardware of this design fits ice40-up5k"):
        hardware_for_rate(lh.compile(lh.Memory(128), bits=16), "1M", TARGETS["ice40-up5k"])
    with pytest.raises(
        SpecError, match=r"^target must be a device with a placer: ice40-up5k, .*, not xc7$"
    ):
        hardware_for_rate(design(), "1k", TARGETS["xc7"])


def placing(monkeypatch: pytest.MonkeyPatch, share: float, refuse: int = 0) -> list[Hardware]:
    """Let place and route find this share of the estimated rate; return what it is asked for."""
    asked: list[Hardware] = []

    def placed(chosen: lh.Design, hardware: Hardware, target: Any, seed: int) -> RatedHardware:
        asked.append(hardware)
        if len(asked) <= refuse:
            raise ToolError("no route")
        figures = rate_choice.estimate(chosen.program, chosen.schedule(hardware), target)
        rate = share * (figures.steps_per_second or 0)
        found = replace(figures, steps_per_second=rate, basis=FigureBasis.MEASURED)
        return RatedHardware(hardware=hardware, figures=found)

    monkeypatch.setattr(rate_choice, "_placed", placed)
    monkeypatch.setattr(rate_choice.yowasp_tools, "check", lambda _: None)
    return asked


def test_place_and_route_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    estimated = hardware_for_rate(design(), "1M", ECP5)
    asked = placing(monkeypatch, 1.0)
    assert hardware_for_rate(design(), "1M", ECP5, fit=True).hardware == estimated.hardware
    assert asked == [estimated.hardware]
    asked = placing(monkeypatch, 0.9)
    lines: list[str] = []
    slower = hardware_for_rate(design(), estimated.rate, ECP5, fit=True, watch=lines.append)
    assert len(asked) > 1
    assert slower.hardware == asked[-1] != estimated.hardware
    assert slower.rate >= estimated.rate
    assert len(lines) == 2 * len(asked)
    assert lines[1].endswith("steps/s measured, too slow")
    assert lines[-1].endswith("steps/s measured, enough")


def test_a_measured_design_corrects_the_estimates_of_its_style(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Designs that the first one shows to be too slow are not placed."""
    asked = placing(monkeypatch, 0.5)
    rate = 2 * hardware_for_rate(design(16), "5M", ECP5).rate
    with contextlib.suppress(SpecError):
        hardware_for_rate(design(16), rate, ECP5, fit=True)
    styles = [hardware.parallel for hardware in asked]
    assert max(map(styles.count, styles)) <= 2


def test_a_candidate_without_a_route_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = placing(monkeypatch, 1.0, refuse=1)
    found = hardware_for_rate(design(), "1M", ECP5, fit=True)
    assert len(asked) == 2
    assert found.hardware == asked[1]
    placing(monkeypatch, 1.0, refuse=100)
    with pytest.raises(SpecError, match=r"rate must be lower than 1M .*not placed.*: no route$"):
        hardware_for_rate(design(), "1M", ECP5, fit=True)
    placing(monkeypatch, 0.01)
    with pytest.raises(SpecError, match="measured with"):
        hardware_for_rate(design(), "10M", ECP5, fit=True)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    memory = ("generate", "--d", 4, "--bits", 8, "--output", "state", "-o", out)
    found = call(capsys, *memory, "--rate", "10M", "--target", "ecp5-25k", "--json").json
    assert found["rate"]["hardware"] == found["hardware"]
    assert found["hardware"]["parallel"] == "ring"
    assert found["rate"]["figures"]["steps_per_second"] >= 10e6


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ("--rate", "5M"),
            "give --target too: ice40-up5k, ice40-hx8k, ecp5-25k, ecp5-85k, gowin-gw1n9\n",
        ),
        (("--target", "ecp5-25k"), "target must go with rate"),
        (("--fit",), "fit must go with rate"),
        (("--rate", "5M", "--target", "ecp6"), "unknown target"),
        (("--rate", "five", "--target", "ecp5-25k"), "rate must be steps a second"),
        (("--rate", "0", "--target", "ecp5-25k"), "rate must be"),
        (("--rate", "5M", "--target", "ecp5-25k", "--lanes", 2), "lanes must be left out"),
        (("--rate", "5M", "--target", "ecp5-25k", "--parallel", "full"), "parallel must be left"),
        (("--rate", "5M", "--target", "ecp5-25k", "--layers", "adders"), "layers must be left out"),
        (("--rate", "900M", "--target", "ecp5-25k"), "rate must be at most"),
        (("--rate", "5M", "--target", "xc7"), "target must be a device with a placer: ice40-up5k"),
    ],
)
def test_bad_requests_write_nothing(
    options: tuple[Any, ...], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    memory = ("generate", "--d", 4, "--bits", 8, "--output", "state", "-o", out)
    assert text in refused(capsys, *memory, *options)
    assert not out.exists()
