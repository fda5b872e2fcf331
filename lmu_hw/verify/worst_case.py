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
from ..program.integer_program import Cascade, Program, Role
from ..program.interpreter import Interpreter, chain
from ..proof.derive import derive
from ..proof.lossless import LosslessSection, sections_of
from ..proof.response import SIGNALS, Response, block_size
from .rounding_search import Goal, steered
from .verify_report import Reached

COVERED_SHARE = 0.999
"""Part of a signal's l1 norm that its input covers."""
MAX_STEPS = 1 << 18
"""Longest input for a signal [steps]."""
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
        ``w, f, o`` or ``i``, see `proof.lossless`.
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
    """Return the worst-case inputs for all chains that read an input of the program."""
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
        if not isinstance(op, Cascade) or op.source not in first:
            continue
        fmt, n = program.vector(op.source).fmt, program.vector(op.source).length
        for pattern in _patterns(op):
            claim, goal = signals[pattern.signal], pattern.goal
            words = np.where(goal.sign * pattern.signs < 0, fmt.min, fmt.max)
            if (claim.rounding or 0.0) > WORTH * claim.high:
                start = _states(program, interpreter)
                words = steered(program, op, pattern.sections, goal, start, words)
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


def _states(program: Program, interpreter: Interpreter) -> dict[str, Words]:
    """Return the words of every state vector, shape (1, length)."""
    states = program.with_role(Role.STATE)
    ends = np.cumsum([v.length for v in states])
    parts = np.split(interpreter.save(), ends[:-1], axis=1)
    return {v.name: words for v, words in zip(states, parts, strict=True)}


def reached(program: Program, worst: WorstCase) -> list[Reached]:
    """Return the observed peak of each signal in the interpreter, with its bound.

    States are observed in every step, words inside a chain in the step of their expected peak.
    """
    claims = derive(json.loads(program.to_json())).signals
    observed = {target.signal: 0 for target in worst.targets}
    inside = {t.step: t for t in worst.targets if t.kind in ("w", "f")}
    chains = {f"chain of {op.z_inner}": op for op in program.ops if isinstance(op, Cascade)}
    by_state = {name: op for op in chains.values() for name in op.states} | chains
    interpreter = Interpreter(program)
    before: dict[str, Words] = {}
    step = 0

    def watch(words: Mapping[str, Words]) -> None:
        nonlocal step
        for name in observed:
            if name in words:
                observed[name] = max(observed[name], int(np.abs(words[name]).max()))
        if target := inside.get(step):
            op = by_state[target.signal]
            start = before | {op.source: words[op.source]}
            section = list(chain(program, op, start, Rounding.RND))[target.section]
            largest = int(np.abs(getattr(section, target.kind)).max())
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


def drive(program: Program) -> tuple[Words, list[Reached]]:
    """Return the worst-case inputs of a program, and the peaks that its signals reach.

    Raises
    ------
    SpecError
        If no chain reads an input.
    CertificateError
        If a signal exceeds the bound of its certificate.
    """
    worst = worst_case(program)
    if not worst.targets:
        raise SpecError(
            "no cascade of this program reads an input, so its worst case is not known: leave out "
            "--worst-case"
        )
    found = reached(program, worst)
    for r in found:
        if r.observed > r.bound:
            raise CertificateError(
                r.signal, f"reaches {r.observed} words, but its bound is {r.bound}"
            )
    return worst.inputs, found


@dataclass(frozen=True, eq=False, kw_only=True)
class _Pattern:
    """The signal with the largest l1 norm in a format of a chain, and the signs of its input."""

    signal: str
    goal: Goal
    signs: Words
    sections: tuple[LosslessSection, ...]


def _patterns(op: Cascade) -> list[_Pattern]:
    """Return for each format of a chain the signal with the largest l1 norm, and its signs."""
    sections = sections_of([[(e.coef, e.shift) for e in section] for section in op.sections])
    response = Response(sections, block_size(op.window))
    recorded: list[dict[str, Words]] = []
    total = {name: np.zeros(len(sections)) for name in SIGNALS}
    for block in response.blocks():
        before = {name: column.copy() for name, column in total.items()}
        for name in SIGNALS:
            total[name] += np.abs(block[name]).sum(axis=0, dtype=np.float64)
        recorded.append(block)
        n_steps = len(recorded) * response.block
        quiet = all(np.all(before[name] >= COVERED_SHARE * total[name]) for name in SIGNALS)
        # the response of a section late in the chain is delayed
        if (quiet and n_steps >= 2 * op.window + len(sections)) or n_steps >= MAX_STEPS:
            break
    out = []
    for signal, kinds in _signals(op, sections).items():
        kind, section = max(kinds, key=lambda at: total[at[0]][at[1]])
        h = np.concatenate([block[kind][:, section] for block in recorded])
        covered = np.cumsum(np.abs(h).astype(np.float64))
        length = int(np.searchsorted(covered, COVERED_SHARE * covered[-1])) + 1
        # the smallest word has a larger magnitude than the largest one
        sign = -1 if np.sum(h, dtype=np.float64) > 0 else 1
        goal = Goal(kind=kind, section=section, sign=sign)
        signs = np.sign(h[:length][::-1])
        out.append(_Pattern(signal=signal, goal=goal, signs=signs, sections=sections))
    return out


def _signals(
    op: Cascade, sections: tuple[LosslessSection, ...]
) -> dict[str, list[tuple[str, int]]]:
    """Return the signals of each format of a chain, by kind and section."""
    found: dict[str, list[tuple[str, int]]] = {f"chain of {op.z_inner}": []}
    for k, section in enumerate(sections):
        found[f"chain of {op.z_inner}"].append(("w", k))
        if section.e2 is None:
            found.setdefault(op.z_inner, []).append(("o", k))
        else:
            found.setdefault(op.z_outer, []).extend([("o", k), ("f", k)])
            found.setdefault(op.z_inner, []).append(("i", k))
    return found
