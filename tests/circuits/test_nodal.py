"""Linear model of circuits: closed forms, and random circuits against an independent solution."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lmu_hw.circuits.circuit import Amplifier, Capacitor, Circuit, Resistor
from lmu_hw.circuits.circuit_stamps import part_values
from lmu_hw.circuits.nodal import linear_circuit
from lmu_hw.errors import SpecError
from tests.factories.analog_circuits import (
    FAST,
    IDEAL,
    biquad,
    capacitor,
    circuit,
    gm_c_biquad,
    inverter,
    lossy_integrator,
    op_amp,
    ota,
    random_circuit,
    rc_low_pass,
    resistor,
)

F = np.array([0.0, 10.0, 100.0, 1e3, 1e5])
S = 2j * np.pi * F


def full_analysis(drawn: Circuit, f: float, source: np.ndarray | None = None) -> dict[str, complex]:
    """Solve a circuit at one frequency with branch currents as unknowns too, as SPICE does."""
    nodes, amplifiers = drawn.nodes, [p for p in drawn.parts if isinstance(p, Amplifier)]
    n, m = len(nodes), len(amplifiers) + 1
    at = {node: i for i, node in enumerate(nodes)}
    Y, rhs = np.zeros((n + m, n + m), complex), np.zeros(n + m, complex)
    s = 2j * np.pi * f

    def add(row: str, column: str, value: complex) -> None:
        if row != "0" and column != "0":
            Y[at[row], at[column]] += value

    for part in drawn.parts:
        if isinstance(part, Amplifier):
            continue
        if isinstance(part, Resistor | Capacitor):
            a, b = part.nodes
            y = 1.0 / part.value if isinstance(part, Resistor) else s * part.value
            for row, column, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
                add(row, column, sign * y)
        else:
            plus, minus, out = part.nodes
            add(out, plus, -part.value)
            add(out, minus, part.value)
    Y[at["u"], n], Y[n, at["u"]], rhs[n] = 1.0, 1.0, 1.0
    for k, part in enumerate(amplifiers):
        plus, minus, out = part.nodes
        model, row = drawn.amplifier, n + 1 + k
        Y[at[out], row] = 1.0
        pole = 2.0 * np.pi * model.bandwidth / model.gain if math.isfinite(model.gain) else 1.0
        loss = (1.0 + s / pole) / model.gain if math.isfinite(model.gain) else 0.0
        Y[row, at[out]] -= loss
        for node, sign in ((plus, 1.0), (minus, -1.0)):
            if node != "0":
                Y[row, at[node]] += sign
    return dict(zip(nodes, np.linalg.solve(Y, rhs)[:n], strict=True))


def test_rc_low_pass() -> None:
    model = linear_circuit(rc_low_pass())
    np.testing.assert_allclose(model.poles, [-1000.0], rtol=1e-12)
    np.testing.assert_allclose(model.response(F, ["x"])[:, 0], 1 / (1 + S / 1000), rtol=1e-12)


def test_high_pass_with_a_capacitor_at_the_input() -> None:
    model = linear_circuit(circuit(capacitor("1", "u", "x", 1e-7), resistor("1", "x", "0", 1e4)))
    x = model.index["x"]
    np.testing.assert_allclose(model.response(F)[:, x], 1e-3 * S / (1 + 1e-3 * S), rtol=1e-12)
    np.testing.assert_allclose([model.equations.D[x], model.l1_norms()[x]], [1.0, 2.0], rtol=1e-9)


def test_ideal_inverter_has_no_states() -> None:
    model = linear_circuit(inverter(2.0))
    assert model.poles.shape == (0,)
    np.testing.assert_allclose(model.response(F, ["y"]), -2.0, rtol=1e-13)
    np.testing.assert_allclose(model.l1_norms()[model.index["y"]], 2.0, rtol=1e-13)


def test_inverter_with_one_pole() -> None:
    model = linear_circuit(inverter(2.0, FAST))
    open_loop = FAST.gain / (1 + S / (2 * np.pi * FAST.bandwidth / FAST.gain))
    exact = -2.0 / (1 + 3.0 / open_loop)
    np.testing.assert_allclose(model.response(F, ["y"])[:, 0], exact, rtol=1e-10)


@pytest.mark.parametrize("amplifier", [IDEAL, FAST])
def test_lossy_integrator(amplifier) -> None:
    model = linear_circuit(lossy_integrator(amplifier))
    slow = model.poles[np.argmax(model.poles.real)]
    # 10 MHz and 100 dB: 3 / gain, and 1 kHz / 10 MHz
    np.testing.assert_allclose(slow, -500.0, rtol=1e-12 if amplifier is IDEAL else 2e-4)
    expected = -2.0 / (1 + S / 500)
    tolerance = 1e-12 if amplifier is IDEAL else 2e-4
    got = model.response(F[:4], ["y"])[:, 0]
    np.testing.assert_allclose(got, expected[:4], rtol=tolerance)


def test_biquad() -> None:
    model = linear_circuit(biquad())
    poles = np.sort_complex(model.poles)
    np.testing.assert_allclose(poles, np.sort_complex(np.roots([1e-6, 0.5e-3, 1.0])), rtol=1e-12)
    low = 1.0 / (1 + 0.5e-3 * S + 1e-6 * S**2)
    np.testing.assert_allclose(model.response(F, ["low", "inverted"]).T, [low, -low], rtol=1e-10)


def test_gm_c_biquad() -> None:
    model = linear_circuit(gm_c_biquad())
    low = 1.0 / (1 + 2e-3 * S + 1e-6 * S**2)
    np.testing.assert_allclose(model.response(F, ["x2", "y"]).T, [low, 1.0 + low], rtol=1e-10)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("amplifier", [IDEAL, FAST])
def test_random_circuits_against_branch_currents(seed: int, amplifier) -> None:
    drawn = random_circuit(seed, amplifier)
    model = linear_circuit(drawn)
    for f, row in zip(F, model.response(F), strict=True):
        exact = full_analysis(drawn, f)
        np.testing.assert_allclose(row, [exact[n] for n in model.nodes], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("amplifier", [IDEAL, FAST])
def test_state_equations_have_the_responses_of_the_circuit(seed: int, amplifier) -> None:
    model = linear_circuit(random_circuit(seed, amplifier))
    A, B, C_, D = (getattr(model.equations, name) for name in "ABCD")
    for s, row in zip(S, model.response(F), strict=True):
        got = C_ @ np.linalg.solve(s * np.eye(len(A)) - A, B) + D
        np.testing.assert_allclose(got, row, rtol=1e-7, atol=1e-9)


def test_draws_equal_single_circuits() -> None:
    drawn = random_circuit(3, FAST)
    rng = np.random.default_rng(0)
    values = part_values(drawn) * rng.uniform(0.8, 1.2, (4, len(drawn.parts)))
    many = linear_circuit(drawn, values)
    assert many.response(F).shape == (4, len(F), len(drawn.nodes))
    for k, row in enumerate(values):
        named = {p.name: v for p, v in zip(drawn.parts, row, strict=True)}
        one = linear_circuit(drawn.with_values(named))
        np.testing.assert_allclose(many.response(F)[k], one.response(F), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            np.sort_complex(many.poles[k]), np.sort_complex(one.poles), rtol=1e-7
        )


def test_unstable_draws_are_found() -> None:
    drawn = biquad()
    damping = [p.name for p in drawn.parts].index("R2")
    values = np.tile(part_values(drawn), (3, 1))
    values[1, damping] = -1e4
    assert list(linear_circuit(drawn, values).stable) == [True, False, True]


def test_offsets_and_currents() -> None:
    model = linear_circuit(inverter(2.0, FAST))
    sources = np.stack([model.offset("U1"), model.current("0", "n"), model.current("y", "u")], 1)
    gain = 1 / (1 + 3 / FAST.gain)
    got = model.transfers(np.zeros(1), sources, ["y"])
    # noise gain 3; a current through the feedback resistor; a current between two sources
    np.testing.assert_allclose(got[0, 0], [3 * gain, -2e4 * gain, 0.0], rtol=1e-9)


def test_current_from_node_to_node() -> None:
    # a chain u - 1k - x - 2k - y - 3k - ground: 1 A taken at x and given at y
    model = linear_circuit(
        circuit(
            resistor("1", "u", "x", 1e3),
            resistor("2", "x", "y", 2e3),
            resistor("3", "y", "0", 3e3),
        )
    )
    got = model.transfers(np.zeros(1), model.current("x", "y")[:, None], ["x", "y"])
    # 2/6 of it flows back through the other two
    np.testing.assert_allclose(got[0, :, 0], [-1e3 / 3, 1e3], rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_transfers_from_the_input_are_the_response(seed: int) -> None:
    model = linear_circuit(random_circuit(seed, FAST))
    got = model.transfers(F, model.G[:, None], model.nodes)
    np.testing.assert_allclose(got[..., 0], model.response(F), rtol=1e-9, atol=1e-12)


def test_two_sources_at_a_node() -> None:
    drawn = circuit(
        resistor("1", "u", "n", 1e4), op_amp("1", "0", "n", "y"), op_amp("2", "0", "n", "y")
    )
    with pytest.raises(SpecError, match="node y of test circuit must have one source, not two"):
        linear_circuit(drawn)


def test_no_unique_solution() -> None:
    drawn = circuit(resistor("1", "u", "x", 1e4), ota("1", "x", "0", "y", 1e-4))
    with pytest.raises(SpecError, match="test circuit has no unique solution; look for a node"):
        linear_circuit(drawn)
