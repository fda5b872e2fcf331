"""The schematic: every part is drawn, no text is covered, the files are the same twice."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from lmu_hw.circuits.analog_design import make_design
from lmu_hw.circuits.circuit import Amplifier, Capacitor, Circuit, Resistor
from lmu_hw.circuits.request import make_request
from lmu_hw.circuits.schematic import schematic, schematic_sheets
from lmu_hw.errors import ToolError
from tests.circuits.hand_built import gm_c_circuit, op_amp_circuit

pytest.importorskip("matplotlib")
pytest.importorskip("schemdraw")
import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox


def odd_parts() -> Circuit:
    """A follower, an amplifier with parts at its + input, one driven there, loose parts."""

    def r(name: str, *nodes: str) -> Resistor:
        return Resistor(name=name, nodes=(nodes[0], nodes[1]), value=1e4, exact=1e4)

    parts = (
        Amplifier(name="U1", nodes=("u", "a", "a")),
        r("R1", "a", "n"),
        r("R2", "n", "b"),
        r("R3", "p", "0"),
        Capacitor(name="C1", nodes=("0", "p"), value=1e-7, exact=1e-7),
        Amplifier(name="U2", nodes=("p", "n", "b")),
        r("R4", "m", "0"),
        r("R5", "m", "c"),
        Amplifier(name="U3", nodes=("b", "m", "c")),
        r("R7", "c", "o"),
        r("R8", "o", "e"),
        r("R9", "q", "0"),
        Amplifier(name="U4", nodes=("q", "o", "e")),
        r("R6", "c", "d"),
        Capacitor(name="C2", nodes=("d", "0"), value=1e-7, exact=1e-7),
    )
    return replace(op_amp_circuit(), sections={"all": parts}, taps=("c",))


def many_inputs(n: int = 9) -> Circuit:
    """A tap that adds many nodes, and a section of more amplifiers than fit side by side."""
    stages = []
    for k in range(5):
        stages += [
            Resistor(name=f"R{2 * k}", nodes=(f"y{k}", f"n{k}"), value=33.2e3, exact=1.0),
            Resistor(name=f"R{2 * k + 1}", nodes=(f"n{k}", f"y{k + 1}"), value=33.2e3, exact=1.0),
            Amplifier(name=f"U{k}", nodes=("0", f"n{k}", f"y{k + 1}")),
        ]
    tap = [
        *(
            Resistor(name=f"R{100 + k}", nodes=(f"y{k % 6}", "n"), value=12.1e3, exact=1.0)
            for k in range(n)
        ),
        Resistor(name="R200", nodes=("n", "tap1"), value=1.5e6, exact=1.0),
        Amplifier(name="U100", nodes=("0", "n", "tap1")),
    ]
    sections = {"chain": tuple(stages), "tap 1": tuple(tap)}
    return replace(op_amp_circuit(), sections=sections, taps=("tap1",))


@cache
def designed(order: int, **options: object) -> Circuit:
    return make_design(make_request(order, "1ms", (0.5, 1.0), **options)).circuit


CIRCUITS: dict[str, Callable[[], Circuit]] = {
    "op-amp": op_amp_circuit,
    "designed": partial(designed, 3),
    "gm-c": gm_c_circuit,
    "odd": odd_parts,
    "many": many_inputs,
}


@pytest.fixture(scope="module", params=CIRCUITS, name="drawn")
def fixture_drawn(request: pytest.FixtureRequest) -> tuple[Circuit, Figure]:
    circuit = CIRCUITS[request.param]()
    figure = schematic_sheets(circuit)[0]
    # measures texts
    FigureCanvasAgg(figure)
    return circuit, figure


def words(figure: Figure) -> list[str]:
    return [word for text in figure.axes[0].texts for word in text.get_text().split()]


def boxes(figure: Figure) -> dict[str, Bbox]:
    """Return the box that the ink of each text needs [pixel], by text and number."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return {
        f"{k} {text.get_text()}": text.get_window_extent(renderer)
        for k, text in enumerate(figure.axes[0].texts)
        if text.get_text()
    }


def strokes(figure: Figure) -> Iterator[np.ndarray]:
    """Yield the straight lines of wires and symbols [pixel], shape (2, 2)."""
    for line in figure.axes[0].lines:
        points = figure.axes[0].transData.transform(line.get_xydata())
        for a, b in itertools.pairwise(points):
            if np.all(np.isfinite([*a, *b])):
                yield np.array([a, b])


def test_every_part_is_drawn_once(drawn: tuple[Circuit, Figure]) -> None:
    circuit, figure = drawn
    count = Counter(words(figure))
    assert {part.name: count[part.name] for part in circuit.parts} == {
        part.name: 1 for part in circuit.parts
    }


def test_texts_do_not_touch_each_other(drawn: tuple[Circuit, Figure]) -> None:
    found = list(boxes(drawn[1]).items())
    touching = [
        (a, b) for k, (a, p) in enumerate(found) for b, q in found[k + 1 :] if p.overlaps(q)
    ]
    assert not touching


def test_no_line_runs_through_a_text(drawn: tuple[Circuit, Figure]) -> None:
    lines = list(strokes(drawn[1]))
    assert len(lines) > 20
    ends = np.array(lines)
    for name, box in boxes(drawn[1]).items():
        # points along each line, closer together than letters are high
        for share in np.linspace(0, 1, 1 + math.ceil(np.abs(ends[:, 0] - ends[:, 1]).max() / 2)):
            at = (1 - share) * ends[:, 0] + share * ends[:, 1]
            inside = (at > box.min + 1).all(axis=1) & (at < box.max - 1).all(axis=1)
            assert not inside.any(), name


def test_the_same_circuit_gives_the_same_files() -> None:
    first, again = schematic(op_amp_circuit()), schematic(op_amp_circuit())
    assert first == again
    assert list(first) == ["schematic.svg", "schematic.pdf"]
    assert b"<dc:date>" not in first["schematic.svg"]
    assert b"CreationDate" not in first["schematic.pdf"]


@pytest.mark.parametrize("package", ["schemdraw", "matplotlib"])
def test_a_missing_package_is_one_line_with_the_remedy(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ToolError, match=rf"need {package}: .*pip install 'lmu-hw\[analog\]'"):
        schematic(op_amp_circuit())
