"""Inputs that drive the signals of a memory to their bounds.

The input for a signal is the time-reversed sign of its impulse response at full scale; if rounding
matters, words slightly below full scale steer the rounding errors. The inputs run one after the
other. Each is as long as the impulse response, so the signal does not depend on earlier inputs at
its end, where it is largest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Words
from ..errors import CertificateError, SpecError
from ..program.fixedpoint import Rounding
from ..program.integer_program import Cascade, Ladder, Operation, Program, Role, Spiking
from ..program.interpreter import Interpreter
from ..program.memory_step import chain, ladder_substep
from ..program.spiking_step import spikes, vectors
from ..proof.derive import derive
from .rounding_search import steered
from .verify_report import Reached
from .worst_signs import Pattern, chain_patterns, ladder_patterns

Bounded = Cascade | Ladder | Spiking
"""Memory updates whose worst case is known."""
WORTH = 0.002
"""Share of rounding errors in a bound from which on `rounding_search` is used."""


@dataclass(frozen=True, kw_only=True)
class SignalPeak:
    """A signal and the step in which it is largest.

    Attributes
    ----------
    signal : str
        Name in the certificate.
    kind : str
        Of a chain ``w, f, o`` or ``i``, see `proof.lossless`; of a ladder ``state``, ``left``,
        ``source`` or ``right``, in the last substep.
    section, step : int
    """

    signal: str
    kind: str
    section: int
    step: int


@dataclass(frozen=True, eq=False, kw_only=True)
class WorstCase:
    """Input words and the signals that they drive to their bounds.

    Attributes
    ----------
    inputs : int64 array, shape (n_steps, n_in)
    targets : tuple of SignalPeak
    """

    inputs: Words
    targets: tuple[SignalPeak, ...]


def worst_case(program: Program) -> WorstCase:
    """Return the worst-case inputs for all memories that read an input of the program."""
    inputs = program.with_role(Role.INPUT)
    first = dict(
        zip((v.name for v in inputs), np.cumsum([0, *(v.length for v in inputs)]), strict=False)
    )
    n_in = program.n_words(Role.INPUT)
    signals = derive(json.loads(program.to_json())).signals
    interpreter = Interpreter(program)
    parts: list[Words] = []
    targets: list[SignalPeak] = []
    n_steps = 0
    for op in program.ops:
        if not isinstance(op, Bounded) or op.source not in first:
            continue
        fmt, n = program.vector(op.source).fmt, program.vector(op.source).length
        for pattern in _patterns(op):
            claim, goal = signals[pattern.signal], pattern.goal
            words = np.where(goal.sign * pattern.signs < 0, fmt.min, fmt.max)
            if not isinstance(op, Ladder) and (claim.rounding or 0.0) > WORTH * claim.high:
                words = steered(program, op, goal, _states(program, interpreter), words)
            part = np.zeros((len(words), n_in), dtype=np.int64)
            part[:, first[op.source] : first[op.source] + n] = words[:, None]
            interpreter.run(part[:, None, :])
            n_steps += len(part)
            parts.append(part)
            targets.append(
                SignalPeak(
                    signal=pattern.signal, kind=goal.kind, section=goal.section, step=n_steps - 1
                )
            )
    none = np.zeros((0, n_in), dtype=np.int64)
    return WorstCase(inputs=np.concatenate([none, *parts]), targets=tuple(targets))


def _patterns(op: Cascade | Ladder | Spiking) -> list[Pattern]:
    """Return the signs of the inputs that drive a memory to its bounds: none of random neurons."""
    if isinstance(op, Ladder):
        return ladder_patterns(op)
    if isinstance(op, Spiking):
        return [] if op.generators else chain_patterns(op.cascade)
    return chain_patterns(op)


def _states(program: Program, interpreter: Interpreter) -> dict[str, Words]:
    """Return the words of every state vector, shape (1, length)."""
    states = program.with_role(Role.STATE)
    ends = np.cumsum([v.length for v in states])
    parts = np.split(interpreter.save(), ends[:-1], axis=1)
    return {v.name: words for v, words in zip(states, parts, strict=True)}


def reached(program: Program, worst: WorstCase) -> list[Reached]:
    """Return the observed peak of each signal in the interpreter, with its bound.

    States are observed in every step, words that a step does not keep when a peak is expected.
    """
    claims = derive(json.loads(program.to_json())).signals
    observed = {target.signal: 0 for target in worst.targets}
    inside = {t.step: t for t in worst.targets if t.kind not in ("o", "i", "state")}
    memories = {name: op for op in program.ops for name in _signals_of(op)}
    interpreter = Interpreter(program)
    before: dict[str, Words] = {}
    step = 0

    def watch(words: Mapping[str, Words]) -> None:
        nonlocal step
        for name in observed:
            if name in words:
                observed[name] = max(observed[name], int(np.abs(words[name]).max()))
        if target := inside.get(step):
            op = memories[target.signal]
            source = {name: words[name] for name in op.reads if name not in op.writes}
            largest = int(np.abs(_inside(program, op, before | source, target)).max())
            observed[target.signal] = max(observed[target.signal], largest)
        step += 1
        if step in inside:
            before.update({name: value.copy() for name, value in words.items()})

    interpreter.run(worst.inputs[:, None, :], watch=watch)
    return [
        Reached(
            signal=name,
            observed=value,
            bound=max(-claims[name].low, claims[name].high),
            rounding=claims[name].rounding or 0.0,
        )
        for name, value in observed.items()
    ]


def _signals_of(op: Operation) -> tuple[str, ...]:
    """Return the signals of a memory whose worst case is known."""
    if isinstance(op, Spiking):
        return _signals_of(op.cascade)
    if isinstance(op, Cascade):
        return (f"chain of {op.z_inner}", *op.states)
    return (op.state, f"waves of {op.state}") if isinstance(op, Ladder) else ()


def _inside(
    program: Program, op: Operation, words: Mapping[str, Words], target: SignalPeak
) -> Words:
    """Return the words of a signal that a step does not keep."""
    if isinstance(op, Spiking):
        sent = spikes(program, op, words, Rounding.RND).sent
        return _inside(program, op.cascade, {**words, **vectors(op, sent)}, target)
    if isinstance(op, Cascade):
        section = list(chain(program, op, words, Rounding.RND))[target.section]
        return np.asarray(getattr(section, target.kind))
    assert isinstance(op, Ladder)
    for j in range(op.substeps):
        waves = ladder_substep(program, op, words, Rounding.RND, j)
        words = {**words, op.state: waves.state.reshape(len(words[op.state]), -1)}
    if target.kind == "source":
        # what section 0 took in, and neither passed on nor kept
        return np.asarray(waves.right[..., 0] + waves.state[..., 0])
    return np.asarray(getattr(waves, target.kind)[..., target.section])


def drive(program: Program) -> tuple[Words, list[Reached]]:
    """Return the worst-case inputs of a program, and the peaks that its signals reach.

    Raises
    ------
    SpecError
        If no chain and no ladder reads an input, or if its neurons are random.
    CertificateError
        If a signal exceeds the bound of its certificate.
    """
    worst = worst_case(program)
    if not worst.targets:
        if any(isinstance(op, Spiking) and op.generators for op in program.ops):
            raise SpecError(
                "Poisson neurons have no worst case, their spikes are random: leave out "
                "--worst-case, or generate with --neuron-model integrate-fire"
            )
        raise SpecError(
            "no cascade or ladder of this program reads an input, so its worst case is not known: "
            "leave out --worst-case"
        )
    found = reached(program, worst)
    for r in found:
        if r.observed > r.bound:
            raise CertificateError(
                r.signal, f"reaches {r.observed} words, but its bound is {r.bound}"
            )
    return worst.inputs, found
