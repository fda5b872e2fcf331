"""Circuits written down by hand, so that what reads circuits is tested without what makes them."""

from __future__ import annotations

from lmu_hw.circuits.circuit import (
    Amplifier,
    AmplifierModel,
    Capacitor,
    Circuit,
    Part,
    Resistor,
    Transconductor,
)

MODEL = AmplifierModel(name="TEST1", gain=1e5, bandwidth=10e6, slew=5e6, package=2)


def inverting(
    amplifier: str, output: str, inputs: dict[str, tuple[str, float]], feedback: Part, tap: int = -1
) -> tuple[Part, ...]:
    """Return an inverting stage: resistors from nodes, the feedback part, the amplifier."""
    minus = f"n_{output}"
    resistors = tuple(
        Resistor(name=name, nodes=(node, minus), value=value, exact=value, tap=tap)
        for name, (node, value) in inputs.items()
    )
    return (*resistors, feedback, Amplifier(name=amplifier, nodes=("0", minus, output), tap=tap))


def feedback_c(name: str, output: str, value: float = 2.2e-9) -> Capacitor:
    return Capacitor(name=name, nodes=(f"n_{output}", output), value=value, exact=value)


def feedback_r(name: str, output: str, value: float, tap: int = -1) -> Resistor:
    return Resistor(name=name, nodes=(f"n_{output}", output), value=value, exact=value, tap=tap)


def op_amp_circuit(model: AmplifierModel = MODEL) -> Circuit:
    """Return a section with two integrators, an inverter and a summer, and one tap."""
    section = (
        *inverting(
            "U1",
            "x1",
            {"R1": ("u", 12.1e3), "R2": ("x1", 49.9e3), "R3": ("xi", 20e3)},
            feedback_c("C1", "x1"),
        ),
        *inverting("U2", "x2", {"R4": ("x1", 20e3)}, feedback_c("C2", "x2")),
        *inverting("U3", "xi", {"R5": ("x2", 10e3)}, feedback_r("R6", "xi", 10e3)),
        *inverting(
            "U4", "w1", {"R7": ("u", 10e3), "R8": ("x1", 12.1e3)}, feedback_r("R9", "w1", 10e3)
        ),
    )
    tap = inverting(
        "U5",
        "tap1",
        {"R10": ("w1", 33.2e3), "R11": ("x2", 1.5e6)},
        feedback_r("R12", "tap1", 10e3, tap=0),
        tap=0,
    )
    return Circuit(
        title="hand-built",
        sections={"section 1": section, "tap 1": tap},
        states=("x1", "x2"),
        taps=("tap1",),
        amplifier=model,
    )


def gm_c_circuit() -> Circuit:
    """Return a section of two states with transconductors, and one tap."""

    def gm(name: str, nodes: tuple[str, str, str], value: float, tap: int = -1) -> Transconductor:
        return Transconductor(name=name, nodes=nodes, value=value, exact=value, tap=tap)

    section = (
        gm("G1", ("u", "0", "x1"), 1e-4),
        gm("G2", ("0", "x1", "x1"), 5e-5),
        gm("G3", ("0", "x2", "x1"), 2e-5),
        Capacitor(name="C1", nodes=("x1", "0"), value=1e-9, exact=1e-9),
        gm("G4", ("x1", "0", "x2"), 2e-5),
        Capacitor(name="C2", nodes=("x2", "0"), value=1e-9, exact=1e-9),
    )
    tap = (
        gm("G5", ("u", "0", "tap1"), 1e-4, 0),
        gm("G6", ("0", "x1", "tap1"), 5e-5, 0),
        gm("G7", ("0", "tap1", "tap1"), 1e-4, 0),
    )
    return Circuit(
        title="hand-built gm-c",
        sections={"section 1": section, "tap 1": tap},
        states=("x1", "x2"),
        taps=("tap1",),
        amplifier=MODEL,
    )
