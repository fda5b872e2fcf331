"""Small programs made by hand, for tests of the backends: no float stage is involved.

They are legal, not accurate: odd widths, every section kind, several channels, saturating outputs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import (
    Adaptor,
    Cascade,
    Channel,
    DenseUpdate,
    Ladder,
    Linear,
    MemoryUpdate,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
    Term,
    Vector,
)


def linear(
    *,
    sources: tuple[str, ...],
    target: str,
    rows: tuple[tuple[int, ...], ...],
    shifts: tuple[int, ...],
    biases: tuple[int, ...] = (),
    n_channels: int = 1,
) -> Linear:
    """Return rows with no scale but a shift."""
    return Linear(
        sources=sources,
        target=target,
        n_channels=n_channels,
        rows=rows,
        aligns=(0,) * len(sources),
        biases=biases or (0,) * len(rows),
        multipliers=(1,) * len(rows),
        shifts=shifts,
    )


def copy(source: str, target: str) -> Pointwise:
    """Return a change of format."""
    return Pointwise(terms=(Term(source),), target=target)


def cascade_program(
    *,
    sections: str = "pr",
    channels: int = 1,
    bits: int = 8,
    outer: QFormat = QFormat(7, 9),
    inner: QFormat = QFormat(4, 12),
    chain: QFormat = QFormat(3, 12),
    window: int = 12,
    readout: int = 0,
    seed: int = 0,
) -> Program:
    """Return a cascade with random coefficients; ``sections`` spells pairs "p" and reals "r".

    ``readout`` rows of a linear readout follow, or the requantized state when 0.
    """
    rng = np.random.default_rng(seed)
    n_pairs, n_sections = sections.count("p"), len(sections)

    def adaptor(low: float, high: float) -> Adaptor:
        shift = int(rng.integers(3, 14))
        top = (2 << shift) - 1
        return Adaptor(int(np.clip(rng.uniform(low, high) * (1 << shift), 1, top)), shift)

    op = Cascade(
        source="u",
        z_outer="z_outer" if n_pairs else "",
        z_inner="z_inner",
        silence="silence",
        chain_fmt=chain,
        window=window,
        sections=tuple(
            (adaptor(0.1, 1.0), adaptor(0.05, 1.9)) if kind == "p" else (adaptor(0.1, 1.9),)
            for kind in sections
        ),
    )
    states = [("z_inner", channels * n_sections, inner)]
    if n_pairs:
        states.insert(0, ("z_outer", channels * n_pairs, outer))
    return _program(op, states, channels, bits, readout, rng, n_pairs + n_sections)


def dense_program(
    *,
    order: int = 3,
    channels: int = 1,
    bits: int = 8,
    state: QFormat = QFormat(5, 11),
    window: int = 12,
    readout: int = 0,
    seed: int = 0,
) -> Program:
    """Return a dense memory with a random stable matrix of ``order`` rows."""
    rng = np.random.default_rng(seed)
    delta = 0.5 * rng.standard_normal((order, order)) / order - 0.2 * np.eye(order)
    shifts = rng.integers(6, 12, order)
    op = DenseUpdate(
        source="u",
        state="m",
        silence="silence",
        window=window,
        rows=tuple(
            tuple(int(x) for x in np.round(r * 2.0**s)) for r, s in zip(delta, shifts, strict=True)
        ),
        shifts=tuple(int(s) for s in shifts),
    )
    return _program(op, [("m", channels * order, state)], channels, bits, readout, rng, order)


def ladder_program(
    *,
    order: int = 4,
    channels: int = 1,
    bits: int = 8,
    state: QFormat = QFormat(7, 11),
    window: int = 12,
    substeps: int = 1,
    scaled: bool = False,
    readout: int = 0,
    seed: int = 0,
) -> Program:
    """Return a ladder with random coefficients, short and long.

    A `Scale` follows if ``scaled``; else ``readout`` rows, or the requantized state when 0.
    """
    rng = np.random.default_rng(seed)

    def coefficient(low: float, high: float) -> Adaptor:
        shift = int(rng.integers(3, 14))
        top = (1 << shift) - 1
        return Adaptor(int(np.clip(rng.uniform(low, high) * (1 << shift), -top, top)) or 1, shift)

    op = Ladder(
        source="u",
        state="w",
        previous="previous" if substeps > 1 else "",
        silence="silence",
        window=window,
        substeps=substeps,
        sections=tuple(coefficient(0.02, 0.9) for _ in range(order)),
        reflection=coefficient(-0.8, 0.8),
    )
    states = [("w", channels * order, state)]
    program = _program(op, states, channels, bits, readout, rng, order)
    ops = list(program.ops)
    if scaled:
        coefs = tuple(1 if i % 2 == 0 else int(rng.integers(-200, 200)) for i in range(order))
        shifts = tuple(int(rng.integers(0, 12)) for _ in range(order))
        ops[1] = Scale(source="w", target="y_w", n_channels=channels, coefs=coefs, shifts=shifts)
    return replace(program, ops=tuple(ops))


def _program(
    op: Operation,
    states: list[tuple[str, int, QFormat]],
    channels: int,
    bits: int,
    readout: int,
    rng: np.random.Generator,
    order: int,
) -> Program:
    vectors = [Vector(name="u", length=channels, fmt=QFormat(1, bits - 1), role=Role.INPUT)]
    vectors += [Vector(name=n, length=k, fmt=f, role=Role.STATE) for n, k, f in states]
    if getattr(op, "previous", ""):
        vectors.append(replace(vectors[0], name="previous", role=Role.STATE))
    count = QFormat(op.window.bit_length(), 0, signed=False)  # type: ignore[union-attr]
    vectors.append(Vector(name="silence", length=channels, fmt=count, role=Role.STATE))
    ops: list[Operation] = [op]
    if readout:
        vectors.append(
            Vector(name="y", length=channels * readout, fmt=QFormat(2, bits - 2), role=Role.OUTPUT)
        )
        ops.append(
            linear(
                sources=tuple(n for n, _, _ in states),
                target="y",
                n_channels=channels,
                rows=tuple(
                    tuple(int(x) for x in rng.integers(-127, 128, order)) for _ in range(readout)
                ),
                shifts=tuple(int(s) for s in rng.integers(4, 13, readout)),
                biases=tuple(int(b) for b in rng.integers(-1000, 1000, readout)),
            )
        )
    else:
        for name, length, fmt in states:
            out = QFormat(fmt.int_bits, bits - fmt.int_bits)
            vectors.append(Vector(name=f"y_{name}", length=length, fmt=out, role=Role.OUTPUT))
            ops.append(copy(name, f"y_{name}"))
    return Program(title=f"test program {op.kind}", vectors=tuple(vectors), ops=tuple(ops))


PROGRAMS: dict[str, Program] = {
    "one_real": cascade_program(sections="r"),
    "one_pair": cascade_program(sections="p"),
    "mixed": cascade_program(sections="pprpr", seed=1),
    "reals": cascade_program(sections="rrr", seed=2),
    "readout": cascade_program(sections="ppp", readout=5, seed=3),
    "odd_widths": cascade_program(
        sections="ppr",
        bits=11,
        outer=QFormat(9, 8),
        inner=QFormat(3, 18),
        chain=QFormat(2, 15),
        readout=3,
        seed=4,
    ),
    "outer_finer": cascade_program(
        sections="pr", outer=QFormat(6, 13), inner=QFormat(6, 9), chain=QFormat(5, 10), seed=5
    ),
    "wide": cascade_program(
        sections="pppp",
        bits=16,
        outer=QFormat(9, 27),
        inner=QFormat(5, 31),
        chain=QFormat(3, 33),
        readout=7,
        seed=6,
    ),
    "channels": cascade_program(sections="prp", channels=3, readout=2, seed=7),
    "ladder": ladder_program(order=5, scaled=True),
    "ladder_one": ladder_program(order=1, seed=1),
    "ladder_substeps": ladder_program(order=3, substeps=4, state=QFormat(5, 7), seed=4),
    "ladder_channels": ladder_program(order=4, channels=3, substeps=2, scaled=True, seed=5),
    "ladder_wide": ladder_program(order=6, bits=16, state=QFormat(9, 31), scaled=True, seed=6),
    "dense": dense_program(order=4),
    "dense_one": dense_program(order=1, seed=1),
    "dense_readout": dense_program(order=6, bits=12, readout=3, seed=2),
    "dense_channels": dense_program(order=3, channels=2, seed=3),
}
"""Programs that every backend is tested on."""

MORE_LADDERS: dict[str, Program] = {
    "ladder_two": ladder_program(order=2, scaled=True, state=QFormat(3, 5), seed=2),
    "ladder_readout": ladder_program(order=4, readout=3, bits=12, seed=3),
    "ladder_eight": ladder_program(order=7, bits=24, state=QFormat(4, 20), substeps=8, seed=7),
}
"""For the interpreter, the certificate and the C; `tests.rtl.test_ladder_unit` has its own."""


def stimulus(program: Program, n_steps: int, seed: int = 7) -> np.ndarray:
    """Return loud noise with rails, impulses and two zero-input runs longer than the window.

    Every word keeps to the format of its input.

    Returns
    -------
    int64 array, shape (n_steps, n_in)
    """
    rng = np.random.default_rng(seed)
    fmts = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    fmt = fmts[0]
    shape = (n_steps, program.n_words(Role.INPUT))
    u = rng.integers(fmt.min, fmt.max + 1, shape)
    kind = (np.arange(n_steps) * 8) // max(n_steps, 1)
    u[kind == 1] = fmt.max
    u[kind == 2] = fmt.min
    u[(kind == 3) | (kind == 6)] = 0
    u[kind == 5] //= 1 << max(0, fmt.width - 3)
    return np.clip(u, [f.min for f in fmts], [f.max for f in fmts])


def random_state(program: Program, rng: np.random.Generator, n_streams: int) -> np.ndarray:
    """Return states of words over the whole formats, ends included; counters within their limits.

    Returns
    -------
    int64 array, shape (n_streams, n_state)
    """
    limits = {op.silence: op.window for op in program.ops if isinstance(op, MemoryUpdate)}
    if program.clock:
        limits[program.clock] = program.output_every - 1
    parts = [np.empty((n_streams, 0), dtype=np.int64)]
    for v in program.with_role(Role.STATE):
        high = limits.get(v.name, v.fmt.max)
        part = rng.integers(v.fmt.min, high, (n_streams, v.length), endpoint=True)
        if v.name == program.clock:
            part[:] = part[0]
        else:
            rails = np.where(rng.random(part.shape) < 0.5, v.fmt.min, high)
            part = np.where(rng.random(part.shape) < 0.3, rails, part)
        parts.append(part)
    return np.concatenate(parts, axis=1)


def random_inputs(program: Program, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return words over the whole formats, ends and zeros included, shape (..., n_in)."""
    parts = [np.empty((*shape, 0), dtype=np.int64)]
    for v in program.with_role(Role.INPUT):
        part = rng.integers(v.fmt.min, v.fmt.max, (*shape, v.length), endpoint=True)
        special = rng.choice([v.fmt.min, v.fmt.max, 0, 0], part.shape)
        parts.append(np.where(rng.random(part.shape) < 0.4, special, part))
    return np.concatenate(parts, axis=-1)


def noise_with_silence(program: Program, n_steps: int, seed: int = 0) -> np.ndarray:
    """Return `random_inputs` of some steps, of which 4 to 19 are zero if there are 24 or more."""
    inputs = random_inputs(program, np.random.default_rng(seed), (n_steps,))
    if n_steps >= 24:
        inputs[4:20] = 0
    return inputs


def random_steps(program: Program, rng: np.random.Generator, n_steps: int) -> np.ndarray | None:
    """Return random steps with an output, shape (n_steps,), or None if that is not to be said."""
    return rng.random(n_steps) < 0.4 if program.output_every == 0 else None


def with_vectors(program: Program, **changes: Any) -> Program:
    """Return the program with some vectors changed: NAME=format, or NAME=fields."""
    fields = {n: c if isinstance(c, dict) else {"fmt": c} for n, c in changes.items()}
    vectors = tuple(replace(v, **fields.get(v.name, {})) for v in program.vectors)
    return replace(program, vectors=vectors)


def with_op(program: Program, index: int, **fields: Any) -> Program:
    """Return the program with fields of one operation changed."""
    ops = list(program.ops)
    ops[index] = replace(ops[index], **fields)
    return replace(program, ops=tuple(ops))


LABELLED = with_vectors(
    PROGRAMS["channels"],
    u={
        "channels": (
            Channel(name="ecg", unit="mV", scale=0.5, offset=-0.25),
            Channel(name="pressure", unit="kPa", scale=-12.5, offset=101.325),
            Channel(),
        )
    },
    y={"channels": tuple(Channel(unit="m/s^2", scale=1.5 + k) for k in range(6))},
)
"""Three channels of which two have names, and an output in a unit of its own."""
