"""Small circuits with known responses, random ones, and a cascade by hand."""

from __future__ import annotations

import math

import numpy as np

from lmu_hw.circuits.circuit import (
    Amplifier,
    AmplifierModel,
    Capacitor,
    Circuit,
    Part,
    Resistor,
    Transconductor,
)

IDEAL = AmplifierModel(name="ideal", gain=math.inf, bandwidth=math.inf, slew=math.inf)
FAST = AmplifierModel(
    name="fast", gain=1e5, bandwidth=1e7, slew=1e7, offset=1e-3, bias=1e-9, noise=1e-8
)


def resistor(name: str, a: str, b: str, value: float, tap: int = -1) -> Resistor:
    return Resistor(name=f"R{name}", nodes=(a, b), value=value, exact=value, tap=tap)


def capacitor(name: str, a: str, b: str, value: float) -> Capacitor:
    return Capacitor(name=f"C{name}", nodes=(a, b), value=value, exact=value)


def op_amp(name: str, plus: str, minus: str, out: str, tap: int = -1) -> Amplifier:
    return Amplifier(name=f"U{name}", nodes=(plus, minus, out), tap=tap)


def ota(name: str, plus: str, minus: str, out: str, value: float) -> Transconductor:
    return Transconductor(name=f"G{name}", nodes=(plus, minus, out), value=value, exact=value)


def circuit(*parts: Part, taps: tuple[str, ...] = (), amplifier: AmplifierModel = IDEAL) -> Circuit:
    return Circuit(
        title="test circuit", sections={"all": parts}, states=(), taps=taps, amplifier=amplifier
    )


def rc_low_pass() -> Circuit:
    """1 / (1 + s/1000) at node x."""
    return circuit(resistor("1", "u", "x", 1e4), capacitor("1", "x", "0", 1e-7), taps=("x",))


def inverter(gain: float, amplifier: AmplifierModel = IDEAL) -> Circuit:
    parts = (
        resistor("1", "u", "n", 1e4),
        resistor("2", "n", "y", 1e4 * gain),
        op_amp("1", "0", "n", "y"),
    )
    return circuit(*parts, taps=("y",), amplifier=amplifier)


def lossy_integrator(amplifier: AmplifierModel = IDEAL) -> Circuit:
    """-2 / (1 + s/500) at node y."""
    return circuit(
        resistor("1", "u", "n", 1e4),
        resistor("2", "n", "y", 2e4),
        capacitor("1", "n", "y", 1e-7),
        op_amp("1", "0", "n", "y"),
        taps=("y",),
        amplifier=amplifier,
    )


def biquad(amplifier: AmplifierModel = IDEAL) -> Circuit:
    """Tow-Thomas: low-pass of 1000 rad/s and Q = 2 at node low, its negative at inverted."""
    return circuit(
        resistor("1", "u", "n1", 1e4),
        resistor("2", "n1", "band", 2e4),
        resistor("3", "n1", "inverted", 1e4),
        capacitor("1", "n1", "band", 1e-7),
        op_amp("1", "0", "n1", "band"),
        resistor("4", "band", "n2", 1e4),
        capacitor("2", "n2", "low", 1e-7),
        op_amp("2", "0", "n2", "low"),
        resistor("5", "low", "n3", 1e4),
        resistor("6", "n3", "inverted", 1e4),
        op_amp("3", "0", "n3", "inverted"),
        taps=("low",),
        amplifier=amplifier,
    )


def gm_c_biquad() -> Circuit:
    """Low-pass of 1000 rad/s and Q = 1/2 at node x2, with its sum with the input at node y."""
    gm, c = 1e-4, 1e-7
    return circuit(
        ota("1", "u", "x1", "x1", gm),
        ota("2", "0", "x1", "x1", gm),
        ota("3", "0", "x2", "x1", gm),
        capacitor("1", "x1", "0", c),
        ota("4", "x1", "0", "x2", gm),
        capacitor("2", "x2", "0", c),
        ota("5", "u", "0", "y", gm),
        ota("6", "x2", "0", "y", gm),
        ota("7", "0", "y", "y", gm),
        taps=("y",),
    )


def random_circuit(seed: int, amplifier: AmplifierModel) -> Circuit:
    """Inverting stages between random nodes, each with its own feedback, and transconductors."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    outputs = [f"y{k}" for k in range(n)]
    parts: list[Part] = []
    for k, out in enumerate(outputs):
        parts += [
            resistor(f"{k}f", f"n{k}", out, rng.uniform(1e4, 3e4)),
            op_amp(str(k), "0", f"n{k}", out),
        ]
        if rng.random() < 0.7:
            parts.append(capacitor(f"{k}f", f"n{k}", out, rng.uniform(1e-9, 1e-7)))
        for j, source in enumerate(["u", *outputs[:k]]):
            if j == 0 or rng.random() < 0.6:
                parts.append(resistor(f"{k}_{j}", source, f"n{k}", rng.uniform(2e4, 1e5)))
    for k in range(2):
        a, b = rng.choice(outputs, 2)
        parts += [
            ota(f"{k}", str(a), str(b), f"g{k}", rng.uniform(1e-5, 1e-4)),
            resistor(f"{k}g", f"g{k}", "0", rng.uniform(1e4, 1e5)),
            capacitor(f"{k}g", f"g{k}", outputs[0], rng.uniform(1e-9, 1e-8)),
        ]
    # feedback from the last stage to the first makes a loop
    parts.append(resistor("loop", outputs[-1], "n0", rng.uniform(2e5, 1e6)))
    return circuit(*parts, taps=(outputs[-1],), amplifier=amplifier)
