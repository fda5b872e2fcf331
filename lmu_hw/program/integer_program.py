"""The integer program: the single truth that every backend obeys. This text is normative.

A program is a list of operations over named vectors of words. Each vector has a length, one
`~lmu_hw.program.fixedpoint.QFormat` for all its words, and a role:

- INPUT: set by the caller before every step. Any word of the format is legal.
- STATE: kept from step to step; all zero after reset. Together the state vectors are the whole
  memory of a program: saving and loading means copying their words, in the order of `vectors`.
- INTERNAL: written before it is read in every step; nobody sees it from outside.
- OUTPUT: read by the caller when an output is due, concatenated in the order of `vectors`.

One step runs the operations in order; an operation reads each vector as the operations before it
left it. All arithmetic is exact on integers; bits are lost only where "round" is written, and a
written word is limited to its format by saturation, always after rounding. In real values a word
``x`` of format ``Qi.f`` is ``x * 2**-f``; coefficients are integers with a right shift of their
own. ``rnd`` rounds to nearest, half up; ``trn`` rounds toward zero
(`~lmu_hw.program.fixedpoint.Rounding`).

Outputs
    ``output_every`` K says when an output is due: 1, at every step; K > 1, at every K-th, counted
    by the one word of the state vector ``clock``: before the operations, ``clock' = clock + 1``, or
    0 where that is K or more, and then the output is due; 0, whenever the caller says so, as at the
    last step of a sequence. An operation from which no state vector follows, in this step or a
    later one, is *lazy*: it runs only in steps whose output is due.

Silence
    Memory updates keep, for each channel, a counter of consecutive steps whose input word was
    exactly zero, this step included, that stops at ``window``. A step is *silent* when the counter
    equals ``window``. A memory update rounds with ``trn`` in a silent step and ``rnd`` otherwise.
    ``count' = min(count + 1, window) if u == 0 else 0``.

Adaptor
    The lossless two-port ``a' = a + t, b' = 2 a - b + t, t = e (b - a)``, 0 < e < 2. It is its own
    inverse and keeps ``(2 - e) a**2 + e b**2``, whatever e is: rounding a coefficient moves a pole
    and never the energy. ``e = coef * 2**-shift``. With F the larger of the two ports' frac_bits,
    both ports are brought to F exactly (left shift), ``t`` is exact with F + shift fractional bits,
    and ``a'`` and ``b'`` are each rounded once, from the exact sum, to their own format.

Cascade (memory update in d adaptors)
    For each channel c, independently: ``w = u[c]`` rounded (``rnd``) to ``chain_fmt``; then for
    each section k in order, with z_outer and z_inner the channel's own parts of those vectors
    (channel-major: ``z_inner[c * n_sections + k]``; z_outer has an entry for each two-adaptor
    section, in order):

    - two adaptors (a conjugate pair of poles): outer ``(w, f) = adaptor(w, z_outer)`` with ``f`` in
      the format of z_outer; inner ``(z_inner, z_outer) = adaptor(z_inner, f)``.
    - one adaptor (a real pole): inner ``(z_inner, w) = adaptor(z_inner, w)``.

Dense (memory update in d**2 multiplies)
    ``v = m; v[0] -= u'`` with ``u'`` the input word rounded (``rnd``) to the frac_bits of m, not
    saturated; ``m[r] = round(m[r] + 2**-shifts[r] * sum_j rows[r][j] v[j])``, all rows from the old
    m, the rounding on the whole sum.

Linear (encoder, hidden layer, readout)
    With ``x_s`` the words of source s and ``rows[r]`` split among the sources in order, ``acc =
    biases[r] + sum_s 2**aligns[s] * sum_j rows[r][s, j] x_s[j]`` and ``target[r] = f(rnd(
    2**-shifts[r] * multipliers[r] * acc))``, ``f`` being ``function``, or nothing. Binary points do
    not enter: they are in the scales. With ``n_channels`` C > 1 every source and the target consist
    of C equal parts and the same rows map part c of the sources to part c of the target.

Pointwise (gates, changes of format)
    ``target[i] = f(rnd(sum of the terms))`` in real values, each term ``+-a[i] b[i]`` or
    ``+-a[i]``, the sum exact, rounded to the frac_bits of the target, or of the function's
    ``in_fmt``.

Function
    The sum is first saturated to ``in_fmt``. The 2**k ``pieces`` part its range evenly: with
    ``x - min`` as an unsigned word, its k highest bits choose the piece c and the others are
    ``rest``; from the highest degree down ``y = c[j] + floor(2**-shifts[j] * y * rest)``, and the
    result is ``rnd(2**-guard * y)``, a word of the target.

Argmax
    ``target[0]`` is the smallest index of the source's largest word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._support import identifiers
from ..errors import FormatError, ModelFileError
from .codec import from_data, to_data
from .operations import (
    Adaptor,
    Argmax,
    Cascade,
    DenseUpdate,
    Function,
    Linear,
    Operation,
    Pointwise,
    Role,
    Term,
    Vector,
)

__all__ = [
    "Adaptor",
    "Argmax",
    "Cascade",
    "DenseUpdate",
    "Function",
    "Linear",
    "Operation",
    "Pointwise",
    "Program",
    "Role",
    "Term",
    "Vector",
    "from_json",
]

SCHEMA_VERSION = 2
MAX_REASON = 200
"""Longest reason quoted from a damaged file [characters]."""
MAX_OUTPUT_EVERY = 1 << 30
"""Longest time between two outputs [steps]."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A whole design in integers.

    Parameters
    ----------
    title : str
        What was asked for, in one line of printable ASCII without ``*/``, for headers and reports;
        no meaning for backends.
    vectors : tuple of Vector
    ops : tuple of Operation
    name : str
        Prefix of every generated file, module and C name.
    output_every : int
        Steps from output to output; 0: when the caller says.
    clock : str
        The state vector that counts them where ``output_every`` > 1.

    Raises
    ------
    FormatError
        If a shape is wrong, an intermediate could exceed 63 bits, or a vector is used against its
        role.
    """

    name: str = "lmu"
    title: str
    output_every: int = 1
    clock: str = ""
    vectors: tuple[Vector, ...]
    ops: tuple[Operation, ...]

    def __post_init__(self) -> None:
        _check_names(self)
        for op in self.ops:
            op.check(self.vector)
        _check_flow(self)
        _check_clock(self)

    def vector(self, name: str) -> Vector:
        """Return the vector called ``name``."""
        return self._by_name[name]

    def with_role(self, role: Role) -> tuple[Vector, ...]:
        """Return the vectors of one role, in order."""
        return tuple(v for v in self.vectors if v.role is role)

    def n_words(self, role: Role) -> int:
        """Return how many words the vectors of one role have together."""
        return sum(v.length for v in self.with_role(role))

    def channels(self, op: Operation) -> int:
        """Return how many times ``op`` is applied in a step, once for each channel."""
        return op.channels(self.vector)

    def multiplies(self, op: Operation) -> int:
        """Return the multiplications of one run of ``op``, all channels together.

        By coefficients, weights and gates; scales of rows and pieces of functions are not counted.
        """
        return op.multiplies(self.vector)

    @property
    def multiplies_per_step(self) -> int:
        """Multiplications in every step."""
        return sum(
            self.multiplies(op) for op, lazy in zip(self.ops, self.lazy, strict=True) if not lazy
        )

    @property
    def multiplies_per_output(self) -> int:
        """Multiplications that a step with an output takes beyond `multiplies_per_step`."""
        return sum(
            self.multiplies(op) for op, lazy in zip(self.ops, self.lazy, strict=True) if lazy
        )

    @cached_property
    def lazy(self) -> tuple[bool, ...]:
        """Which operations run only in steps whose output is due; none where every one is."""
        if self.output_every == 1:
            return (False,) * len(self.ops)
        return _without_consequence(self)

    @cached_property
    def _by_name(self) -> dict[str, Vector]:
        return {v.name: v for v in self.vectors}

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON text, in hex."""
        return _sha256(self._body)

    @cached_property
    def _body(self) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, **to_data(self)}

    def to_json(self) -> str:
        """Return the program as JSON text, digest included; one line for each vector and row."""
        lines = json.dumps(
            {**self._body, "vectors": [], "ops": [], "digest": self.digest}, indent=1
        )
        vectors = ",\n".join(_canonical(v) for v in self._body["vectors"])
        ops = ",\n".join(_op_text(op) for op in self._body["ops"])
        text = lines.replace('"vectors": []', f'"vectors": [\n{vectors}\n]', 1)
        return text.replace('"ops": []', f'"ops": [\n{ops}\n]', 1) + "\n"


def from_json(text: str) -> Program:
    """Read a program and check its shapes, ranges and digest.

    Raises
    ------
    ModelFileError
        If the text is not a program, or does not match its own digest.
    """
    try:
        data = json.loads(text)
        version = data.get("schema_version") if isinstance(data, dict) else None
        if type(version) is not int or version != SCHEMA_VERSION:
            raise ModelFileError(
                f"program must be JSON with schema_version {SCHEMA_VERSION}; generate it again"
            )
        program: Program = from_data(Program, data)
        digest = data.pop("digest")
        # of the text as well as of what was read: a key that no program has is an edit too
        whole = program.digest == _sha256(data) == digest
    except (KeyError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(
            f"program is damaged: {reason[:MAX_REASON]}; generate it again"
        ) from error
    if not whole:
        raise ModelFileError(
            "program does not match its digest: it was edited or damaged; generate it again"
        )
    return program


def _check_names(program: Program) -> None:
    """Raise `FormatError` unless every name is one, and every vector that is used exists."""
    if not identifiers.is_free(program.name):
        raise FormatError(f"name must be {identifiers.RULE}, not {program.name!r}")
    texts = [("title", program.title), *((v.name, v.about) for v in program.vectors)]
    functions = [getattr(op, "function", None) for op in program.ops]
    texts += [("name of a function", f.name) for f in functions if f is not None]
    for what, text in texts:
        if not (text.isascii() and text.isprintable()) or "*/" in text:
            raise FormatError(
                f"{what} must be one line of printable ASCII without '*/', not {text!r}"
            )
    names = [v.name for v in program.vectors]
    if len(set(names)) != len(names):
        raise FormatError(f"vector names must differ, not {names}")
    for v in program.vectors:
        if not (v.name.isascii() and v.name.isidentifier()) or v.length < 1:
            raise FormatError(
                f"vector {v.name!r} must have an ASCII identifier as name and length >= 1, "
                f"not {v.length}"
            )
    for op in program.ops:
        for name in (*op.reads, *op.writes):
            if name not in names:
                raise FormatError(f"operation {op.kind} names no vector of the program: {name!r}")


def _check_flow(program: Program) -> None:
    """Raise `FormatError` unless every vector is used as its role says.

    An operation that updates a memory works in place, so it must not read what it writes.
    """
    kept = {v.name for v in program.vectors if v.role in (Role.INPUT, Role.STATE)}
    written: set[str] = set()
    for op in program.ops:
        for name in op.reads:
            if name not in kept | written:
                raise FormatError(
                    f"{op.kind} must not read the {program.vector(name).role.value} {name!r} "
                    "before it is written"
                )
        for name in op.writes:
            if program.vector(name).role is Role.INPUT:
                raise FormatError(f"{op.kind} must not write the input {name!r}")
        if isinstance(op, Cascade | DenseUpdate) and op.source in op.writes:
            raise FormatError(f"{op.kind} must not read what it writes: {op.source!r}")
        if len(set(op.writes)) < len(op.writes):
            raise FormatError(f"{op.kind} must write vectors that differ, not {list(op.writes)}")
        written |= set(op.writes)
    for v in program.with_role(Role.OUTPUT):
        if v.name not in written:
            raise FormatError(f"output {v.name!r} must be written by an operation")


def _check_clock(program: Program) -> None:
    """Raise `FormatError` unless there is a counter exactly where steps must be counted."""
    every = program.output_every
    if not 0 <= every <= MAX_OUTPUT_EVERY:
        raise FormatError(f"output_every must be from 0 to {MAX_OUTPUT_EVERY}, not {every}")
    if (every > 1) != bool(program.clock):
        raise FormatError("a program must have a clock where output_every > 1, and only there")
    if program.clock:
        clock = program._by_name.get(program.clock)
        fits = clock is not None and (clock.role, clock.length) == (Role.STATE, 1)
        if not fits or clock.fmt.frac_bits or clock.fmt.signed or clock.fmt.max < every - 1:  # type: ignore[union-attr]
            raise FormatError(
                f"clock {program.clock!r} must be a state vector of one unsigned integer that "
                f"holds {every - 1}"
            )
        if any(program.clock in op.writes for op in program.ops):
            raise FormatError(f"no operation must write the clock {program.clock!r}")


def _without_consequence(program: Program) -> tuple[bool, ...]:
    """Return from which operations no state vector follows."""
    needed = {v.name for v in program.with_role(Role.STATE)}  # of the end of a step, for the next
    lazy = []
    for op in reversed(program.ops):
        lazy.append(not needed & set(op.writes))
        if not lazy[-1]:
            needed = needed - set(op.writes) | set(op.reads)
    return tuple(reversed(lazy))


def _canonical(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True)


def _sha256(data: Any) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def _op_text(op: dict[str, Any]) -> str:
    """Return an operation as JSON with its rows one to a line."""
    text = _canonical({**op, "rows": []} if "rows" in op else op)
    rows: Iterable[str] = (_canonical(row) for row in op.get("rows", ()))
    return text.replace('"rows":[]', '"rows":[\n' + ",\n".join(rows) + "\n]", 1)
