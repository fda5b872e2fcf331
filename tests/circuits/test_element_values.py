"""Values of parts within their bounds, and errors that say what would be."""

from __future__ import annotations

from typing import Any

import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.circuit import Amplifier, Capacitor, Resistor, Transconductor
from lmu_hw.circuits.element_values import PartList, integrator_capacitors, summing_resistance
from lmu_hw.circuits.request import AnalogRequest, make_request
from lmu_hw.circuits.series import E6, E24, E96
from lmu_hw.errors import SpecError


def request(order: int = 6, theta: Any = "1ms", **options: Any) -> AnalogRequest:
    return make_request(order, theta, (0.5, 1.0), opamp="ideal", **options)


@pytest.mark.parametrize("theta", ["50us", "1ms", "20ms", "0.5s"])
def test_the_capacitor_centres_the_resistors(theta: str) -> None:
    asked = request(theta=theta)
    gains = [5.0, 20.0, 80.0]
    choices = integrator_capacitors(asked, gains)
    for choice in choices:
        assert choice in E6.within(asked.c_min, asked.c_max)
        for gain in gains:
            assert asked.r_min <= asked.theta / (choice * gain) <= asked.r_max
    c = choices[0]
    assert 3 <= len(choices) <= 7
    assert max(choices) / min(choices) <= 10

    def margin(capacitor: float) -> float:
        values = [asked.theta / (capacitor * gain) for gain in gains]
        return min(min(values) / asked.r_min, asked.r_max / max(values))

    assert margin(c) == max(map(margin, E6.within(asked.c_min, asked.c_max)))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"theta": "100s"}, r"theta of 100s must have resistors up to .*Mohm with 1uF, beyond the "
         r"bound of 1Mohm: raise --r-max to \S*M or --c-max to \S*u"),
        ({"theta": "10ns"}, r"theta of 10ns must have resistors down to .*ohm with 100pF, beyond "
         r"the bound of 1kohm: lower --r-min to \S* or --c-min to \S*"),
        ({"r_min": "10k", "r_max": "15k"},
         r"must be 3\.\d* times apart, more than .* = 1\.5: widen"),
        ({"c_min": "1.1n", "c_max": "1.4n"},
         r"of the series E6, and none is from 1\.1nF to 1\.4nF: widen"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
def test_bounds_that_cannot_be_met(form: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError, match=text) as caught:
        make_design(request(form=form, **options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("theta", "bound"),
    [
        *((theta, bound) for theta in ("13s", "19s", "30s", "44s") for bound in ("r-max", "c-max")),
        *((theta, bound) for theta in ("100ns", "170ns", "300ns") for bound in ("r-min", "c-min")),
    ],
)
def test_the_remedies_work(theta: str, bound: str) -> None:
    with pytest.raises(SpecError, match=f"--{bound} to") as caught:
        make_design(request(2, theta))
    words = str(caught.value).split()
    make_design(
        request(2, theta, **{bound.replace("-", "_"): words[words.index(f"--{bound}") + 2]})
    )


@pytest.mark.parametrize("series", ["E24", "E96"])
@pytest.mark.parametrize("structure", ["cascade", "ladder", "direct"])
@pytest.mark.parametrize("form", ["op-amp", "gm-c"])
def test_every_value_is_of_its_series_and_within_bounds(
    form: str, structure: str, series: str
) -> None:
    bounds = {"r_min": "2k", "r_max": "300k", "c_min": "1n", "c_max": "100n"}
    asked = request(form=form, structure=structure, series=series, **bounds)
    values = (E24 if series == "E24" else E96).within(2e3, 300e3)
    inverses = {1.0 / r for r in values}
    circuit = make_design(asked).circuit
    for part in circuit.parts:
        if isinstance(part, Resistor):
            assert part.value in values
        elif isinstance(part, Transconductor):
            assert part.value in inverses
        elif isinstance(part, Capacitor):
            assert part.value in E6.within(1e-9, 1e-7)


def test_summing_resistors_are_in_the_middle() -> None:
    unit = summing_resistance(request(series="exact"), [4.0, 0.25])
    # the three are 1/4, 1 and 4 times the unit
    assert unit == pytest.approx((1e3 * 1e6) ** 0.5)


def test_parts_are_numbered_in_order() -> None:
    parts = PartList(request())
    parts.begin("a")
    parts.resistor("u", "m", 1000.0)
    parts.capacitor("m", "y", 1e-9)
    parts.amplifier("m", "y")
    parts.begin("b", tap=3)
    parts.resistor("u", "m", 1004.0, 2001.0)
    first, second = parts.tuples().values()
    assert [part.name for part in (*first, *second)] == ["R1", "C1", "U1", "R2"]
    assert second[0] == Resistor(name="R2", nodes=("u", "m"), value=2000.0, exact=1004.0, tap=3)
    assert first[2] == Amplifier(name="U1", nodes=("0", "m", "y"))
