"""Which discretizer and how many substeps: figures, the cheapest choice, and its refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lmu_hw.errors import SpecError, UnstableError
from lmu_hw.memory import spec as memory_spec
from lmu_hw.memory.delay_error import delay_error
from lmu_hw.memory.spec import Discretizer, LMUSpec, OutputKind, RealizationKind, parse
from lmu_hw.program import memory_updates
from lmu_hw.program.codec import from_data
from lmu_hw.quantize.delay_choices import DelayChoice, DelayReport, choose_delays, compare_delays
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.realization_choice import kinds, multiplies

BANDWIDTH = 0.0125
HEADLINE = LMUSpec(order=64, theta=512.0)


def find(report: DelayReport, method: str, substeps: int = 1) -> DelayChoice:
    (found,) = (
        choice
        for choice in report.choices
        if (choice.discretizer.value, choice.substeps) == (method, substeps)
    )
    return found


@pytest.fixture(scope="module")
def headline() -> DelayReport:
    return compare_delays(HEADLINE, BANDWIDTH)


@pytest.mark.parametrize("output", ["memory", "state", "taps=0.2,1"])
@pytest.mark.parametrize(("order", "channels"), [(1, 1), (2, 3), (3, 1), (7, 1)])
def test_multiplies_are_those_of_the_program(order: int, output: str, channels: int) -> None:
    spec = parse(
        {"d": order, "theta": 10.0 * order, "bits": 14, "output": output, "channels": channels}
    )
    for choice in compare_delays(spec, 0.001).choices:
        asked = replace(spec, discretizer=choice.discretizer, substeps=choice.substeps)
        design = quantize_memory(asked)
        assert design.realization is choice.realization, choice
        assert design.program.multiplies_per_step == choice.multiplies, choice
        assert choice.lead == asked.lead


@pytest.mark.parametrize("kind", [RealizationKind.CASCADE, RealizationKind.LADDER])
def test_multiplies_of_a_realization_that_was_asked_for(kind: RealizationKind) -> None:
    spec = LMUSpec(order=4, theta=50.0, discretizer=Discretizer.BILINEAR, realization=kind)
    assert quantize_memory(spec).program.multiplies_per_step == multiplies(spec, kind)
    assert kind in kinds(spec)


def test_the_headline(headline: DelayReport) -> None:
    assert [c.multiplies for c in headline.choices] == [4160, 97, 162, 292, 552]
    assert not any(c.discretizer is Discretizer.EULER for c in headline.choices)
    wanted = [("zoh", 1, 4.2e-4), ("bilinear", 1, 4.5e-3), ("bilinear", 4, 3.6e-4)]
    for method, substeps, error in wanted:
        assert find(headline, method, substeps).error == pytest.approx(error, rel=0.02)
    assert find(headline, "bilinear", 2).lead == 0.0
    assert find(headline, "zoh").lead == 0.5
    assert headline.periods == pytest.approx(6.4)


@pytest.mark.parametrize(
    ("accuracy", "method", "substeps"),
    [
        ("1%", "bilinear", 1),
        (0.0046, "bilinear", 1),
        (0.0045, "bilinear", 2),
        ("0.05%", "bilinear", 4),
        ("0.03%", "bilinear", 8),
    ],
)
def test_the_cheapest_within(
    headline: DelayReport, accuracy: float | str, method: str, substeps: int
) -> None:
    assert headline.within(accuracy) == find(headline, method, substeps)


def test_of_equal_cost_the_more_accurate() -> None:
    # both are cascades with as many multiplies; the warping of bilinear is the larger error
    report = compare_delays(replace(HEADLINE, output=OutputKind.STATE), BANDWIDTH)
    assert find(report, "zoh").multiplies == find(report, "bilinear").multiplies == 64
    assert report.within("1%") == find(report, "zoh")


def test_taps_have_their_own_error() -> None:
    spec = replace(HEADLINE, output=OutputKind.TAPS, taps=(0.5,))
    report = compare_delays(spec, BANDWIDTH)
    assert find(report, "zoh").error == delay_error(HEADLINE, BANDWIDTH, (0.5,))
    assert find(report, "zoh").error < compare_delays(HEADLINE, BANDWIDTH).choices[0].error / 3


def test_what_none_reaches(headline: DelayReport) -> None:
    with pytest.raises(SpecError) as refused:
        headline.within("0.001%")
    assert str(refused.value) == (
        "accuracy must be at least 0.0237 %, that of bilinear, 8 substeps, for input to 0.0125 "
        "cycles/sample (6.4 periods in the window of 512 samples), not 0.001 %: allow that, or "
        "give a lower bandwidth, a larger d or a shorter theta"
    )
    assert headline.within("0.0237%").substeps == 8


@pytest.mark.parametrize("given", [("discretizer",), ("substeps",), ("discretizer", "substeps")])
def test_options_that_are_given_stay(given: tuple[str, ...]) -> None:
    asked = replace(HEADLINE, accuracy=0.002, bandwidth=BANDWIDTH, discretizer=Discretizer.BILINEAR)
    if "substeps" in given:
        # one bilinear step is not enough
        if "discretizer" in given:
            with pytest.raises(SpecError, match=r"0\.453 %.* or no discretizer or substeps"):
                choose_delays(asked, given)
            return
        chosen, _ = choose_delays(asked, given)
        assert (chosen.discretizer, chosen.substeps) == (Discretizer.ZOH, 1)
        return
    chosen, found = choose_delays(asked, given)
    assert found is not None
    report, taken = found
    assert (chosen.discretizer, chosen.substeps) == (Discretizer.BILINEAR, 2)
    assert taken == report.within(0.002)
    assert {c.discretizer for c in report.choices} == {Discretizer.BILINEAR}


def test_a_realization_rules_out_what_it_cannot_do() -> None:
    dense = LMUSpec(order=6, theta=100.0, realization=RealizationKind.DENSE)
    report = compare_delays(dense, BANDWIDTH)
    assert {c.substeps for c in report.choices} == {1}
    with pytest.raises(SpecError, match="or no realization"):
        report.within(1e-6)
    ladder = replace(
        dense, realization=RealizationKind.LADDER, discretizer=Discretizer.BILINEAR, substeps=4
    )
    assert [c.substeps for c in compare_delays(ladder, BANDWIDTH).choices] == [1, 2, 4, 8]


def test_euler_is_listed_where_it_is_stable() -> None:
    report = compare_delays(LMUSpec(order=6, theta=100.0), BANDWIDTH)
    assert find(report, "euler").error > 2 * find(report, "zoh").error
    unstable = replace(HEADLINE, discretizer=Discretizer.EULER, accuracy=0.1, bandwidth=BANDWIDTH)
    with pytest.raises(UnstableError, match="theta >= 639"):
        choose_delays(unstable, ("discretizer",))


def test_a_choice_over_the_error_budget_is_passed_over() -> None:
    """Four substeps are accurate enough, but a ladder of this window has no 20-bit words."""
    asked = LMUSpec(order=6, theta=1e4, bits=20, accuracy=0.02, bandwidth=5e-5)
    report = compare_delays(asked, 5e-5)
    cheapest = report.within(0.02)
    assert cheapest.discretizer is Discretizer.BILINEAR
    chosen, found = choose_delays(asked)
    assert chosen.discretizer is Discretizer.ZOH
    assert found is not None
    assert f"over the error budget: {cheapest}" in report.reason(0.02, found[1])


def test_a_request_without_accuracy_is_left_alone() -> None:
    assert choose_delays(HEADLINE) == (HEADLINE, None)


def test_quantize_refuses_a_memory_that_is_not_accurate() -> None:
    spec = LMUSpec(order=6, theta=100.0, accuracy=1e-3, bandwidth=0.02)
    with pytest.raises(SpecError, match=r"accuracy must be at least .* for zoh with substeps = 1"):
        quantize_memory(spec)
    error = quantize_memory(replace(spec, accuracy=0.5)).delay_error
    assert error == delay_error(spec, 0.02)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"accuracy": 0.1}, "bandwidth must be given with accuracy"),
        ({"bandwidth": 0.1}, "accuracy must be given with bandwidth"),
        (
            {"accuracy": 0, "bandwidth": 0.1},
            "accuracy must be a share > 0 and < 1",
        ),
        ({"accuracy": 1, "bandwidth": 0.1}, "not 1"),
        ({"accuracy": "5", "bandwidth": 0.1}, "not '5'"),
        ({"accuracy": "x%", "bandwidth": 0.1}, "not 'x%'"),
        ({"accuracy": "nan%", "bandwidth": 0.1}, "not 'nan%'"),
        ({"accuracy": True, "bandwidth": 0.1}, "not True"),
        ({"accuracy": [1], "bandwidth": 0.1}, "not \\[1\\]"),
        ({"accuracy": 0.1, "bandwidth": 0}, "bandwidth must be > 0 and <= 0.5 cycles/sample"),
        ({"accuracy": 0.1, "bandwidth": 50}, "the highest frequency over the sample rate"),
        ({"accuracy": 0.1, "bandwidth": "x"}, "bandwidth must be a finite number"),
    ],
)
def test_bad_values(keys: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        parse({"d": 4, **keys})


@pytest.mark.parametrize("accuracy", ["0.5%", 0.005, "0.005", "0.5 %"])
def test_shares(accuracy: Any) -> None:
    spec = parse({"d": 4, "accuracy": accuracy, "bandwidth": 0.1})
    assert spec.accuracy == pytest.approx(0.005)


def test_the_report_is_written_and_read(headline: DelayReport) -> None:
    assert from_data(DelayReport, headline.to_dict()) == headline
    assert str(headline).splitlines()[:3] == [
        "d = 64, output memory, input to 0.0125 cycles/sample (6.4 periods in the window of 512 "
        "samples)",
        "  discretizer  substeps  delay error  lead  multiplies  realization",
        "  zoh                 1     0.0416 %   0.5       4,160      cascade",
    ]
    assert "<td" in headline._repr_html_()
    assert headline.reason("0.2%") == (
        "bilinear, 2 substeps: fewest multiplies (162) within 0.2 %; most accurate is bilinear, "
        "8 substeps, 0.0237 % (552)"
    )


def test_a_program_takes_the_substeps_of_a_specification() -> None:
    """Neither of the two may import the other."""
    assert memory_spec.SUBSTEPS == memory_updates.SUBSTEPS
