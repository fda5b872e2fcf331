"""The integer program, the specification that every backend implements. This text is normative.

Terms
    Word
        An integer in a fixed-point *format*, a `~lmu_hw.program.fixedpoint.QFormat`. In the format
        ``Qi.f`` (``i + f`` bits, the sign included) the word ``x`` has the value ``x * 2**-f``;
        ``f`` is its *frac_bits*.
    Vector
        A named sequence of words, all in one format, with one of four roles:

        - INPUT: the caller writes it before every step. Any word of the format is legal.
        - STATE: keeps its words from step to step. Reset sets all of them to zero. The state
          vectors are the entire memory of a program: saving and loading the state copies their
          words, in the order of `vectors`.
        - INTERNAL: written before it is read in every step; not visible to the caller.
        - OUTPUT: the caller reads it when an output is due, concatenated in the order of `vectors`.

        An INPUT or OUTPUT may have *channels*, one for each word: name, unit, scale and offset of
        what the word stands for. A word of value ``w`` stands for ``scale * w + offset`` in that
        unit. Channels are for the caller: like ``about``, they enter no operation and change no
        word. Headers, drivers and reports show them.
    Program
        A list of vectors and a list of operations. One *step* executes the operations in order;
        each operation reads the vectors as the preceding operations have left them.
    Coefficient
        An integer with its own right shift: the value is ``coef * 2**-shift``.
    Rounding
        Arithmetic is exact on integers; only ``rnd``, ``trn`` and an explicit ``floor`` lose bits.
        ``rnd`` rounds to nearest, half up; ``trn`` rounds toward zero
        (`~lmu_hw.program.fixedpoint.Rounding`).
    Saturation
        Every word that an operation writes is saturated to its format, always after rounding.

Due outputs and lazy operations
    ``output_every`` K states when an output is due:

    - K = 1: at every step.
    - K > 1: at every K-th step. The state vector ``clock``, one word, counts the steps: before the
      operations of a step, ``clock' = clock + 1``, or 0 if that is K or more; if it is 0, the
      output of this step is due.
    - K = 0: when the caller requests it, for example at the last step of a sequence.

    An operation is *lazy* if no state vector depends on its results, in this step or a later one,
    and K is not 1. A lazy operation executes only in steps whose output is due.

Zero-input run
    A memory update has a state vector ``silence`` with a counter for each channel: the number of
    consecutive steps, this one included, whose input word was exactly zero, limited to ``window``:
    ``count' = min(count + 1, window) if u == 0 else 0``. In a step with ``count' == window`` the
    channel is in a *zero-input run* and its memory update rounds with ``trn``; in all other steps
    it rounds with ``rnd``. The descriptions below write ``round`` for this choice.

Adaptor
    A lossless two-port with coefficient ``e = coef * 2**-shift``, 0 < e < 2::

        t = e (b - a)        a' = a + t        b' = 2 a - b + t

    It is its own inverse and preserves ``(2 - e) a**2 + e b**2`` for every e: rounding a
    coefficient moves a pole, but the adaptor stays lossless. Let F be the larger frac_bits of its
    two ports. Both ports are aligned to F by exact left shifts; ``t`` is exact with F + shift
    fractional bits; ``a'`` and ``b'`` are each rounded once (``round``), from the exact sum, to the
    format of their own port, and saturated to it.

Operation ``cascade``: memory update with d adaptors
    A *section* is two adaptors, outer and inner, which realize a conjugate pair of poles, or one
    adaptor, which realizes a real pole. Each channel c is independent. Vectors are channel-major:
    ``z_inner[c * n_sections + k]`` belongs to section k, and ``z_outer[c * n_pairs + p]`` to the
    p-th section with two adaptors. First update the counter of the channel. Then ``w = u[c]``,
    rounded (``rnd``) and saturated to ``chain_fmt``, the format of ``w`` throughout. Then, with
    ``(a', b') = adaptor(a, b)``, for each section in order:

    - two adaptors: ``(w, f) = outer(w, z_outer)``, with ``f`` in the format of z_outer; then
      ``(z_inner, z_outer) = inner(z_inner, f)``.
    - one adaptor: ``(z_inner, w) = inner(z_inner, w)``.

Operation ``ladder``: memory update with d + 1 adaptors, readable as Legendre coefficients
    A *section* i = 0 .. d-1 is a lossless three-port with coefficient ``e = coef * 2**-shift``,
    0 < e < 1: waves come from the left neighbour (``l``), the right neighbour (``a``) and the state
    ``w``; the source is left of section 0 and a matched resistor, which sends 0, right of section
    d-1. Even sections are series adaptors, odd ones parallel. Every wave has the format of the
    vector ``state``, whose word ``c * d + i`` is ``w`` of section i in channel c; every wave is
    rounded once (``round``) from its exact sum and saturated. First update the counter of the
    channel. Then execute ``substeps`` K times, for j = 1 .. K::

        from right to left (a = 0 at section d-1; the wave sent left is a of the next section)
          even i:   send  a + w                       keep a
          odd i:    t = e (w - a)                     keep a, t
                    send  a + t
        at the source, with a from section 0 and rho = reflection, -1 < rho < 1
          x = 2 u                                                             if K = 1
          x = 2 previous + (2 j - 1) (u - previous) / K                       if K > 1
          send  l = x + rho (x - a)
        from left to right (the wave sent right is l of the next section)
          even i:   t = e (a + w - l)
                    send  (l - w) + t                 w' = -round(t - w)
          odd i:    send  l + t                       w' = -round((a + l - w) + t)

    In ``t = e (a + w - l)`` the term ``a + w`` is the wave that the section sent left, after its
    saturation. ``x`` is rounded (``rnd``) to the LSB of the waves and saturated before it is used.
    With K > 1, ``previous`` is a state vector with a word for each channel, in the format of the
    source; after the substeps, ``previous' = u``. K is 1, 2, 4 or 8. A ``t`` is never rounded by
    itself; as every other term of a sum is a word, the rounded sums of one section follow from
    ``floor(t)`` and one bit of its remainder. A section preserves ``sum of wave**2 / R`` over its
    ports for every e, with R of the left port, e R (series) or R / e (parallel) at the state, and
    (1 - e) R (series) or R / (1 - e) (parallel) at the right port: rounding a coefficient keeps the
    ladder lossless.

Operation ``scale``: readout of a ladder
    ``target[c * n + i] = rnd(2**-shifts[i] * coefs[i] * source[c * n + i])`` for the n coefficients
    and each of ``n_channels`` channels c.

Operation ``dense``: memory update with d**2 multiplies
    For each channel: update its counter. ``u'`` is the input word rounded (``rnd``) to the
    frac_bits of m, not saturated. ``v = m``, then ``v[0] -= u'``. For every row r, all from the old
    m: ``m'[r] = round(m[r] + 2**-shifts[r] * sum_j rows[r][j] v[j])``, rounding the whole sum.

Operation ``spiking``: a cascade whose states travel as spikes
    Every state of ``cascade`` has a population of H = 2**population neurons for either sign, 2 d H
    for each channel. One spike of state k stands for ``2**s`` LSBs of its vector, s = quanta[k]; a
    neuron that fires in every step stands for a state of full scale divided by H, ``2**(s +
    population)`` LSBs in all. Quanta, membranes and populations are in the order of the sections,
    outer state before inner; ``membrane[c * d + k]`` belongs to state k of channel c. For each
    channel, first update its counter. Then for each state z in order, with ``a = max(-F, min(z,
    F))``, F = 2**(s + population):

    - in a zero-input run: ``n = 0``, ``q = z``, ``membrane' = 0``.
    - integrate-and-fire, if the operation has a ``membrane``: ``v = membrane + a``, ``n = rnd(2**-s
      * v)``, ``membrane' = v - 2**s n``, ``q`` is ``2**s n`` saturated to the format of z.
    - Poisson, if it has ``generators``: ``n`` is the number of neurons j = 0 .. H-1, in order,
      whose draw from generator ``j mod S`` is below ``rnd(2**(16 - s - population) * abs(a))``,
      negative if z is negative; ``q`` is ``2**s n`` saturated to the format of z.

    Now execute the sections of ``cascade`` as above with q in place of its states, which gives
    ``q'``, and set ``z' = z + q' - q``, saturated. ``spikes[c]`` is the sum of ``abs(n)`` over the
    states of the channel.

    S generators have a state x of 32 bits each, which the state vector ``generators`` keeps as
    ``x XOR seeds[i]``, so that reset gives x the value of its seed. A draw replaces x by ``x XOR (x
    << 13)``, then ``x XOR (x >> 17)``, then ``x XOR (x << 5)``, in 32 bits without a sign, and is
    the upper 16 bits of the new x. No draw leaves x = 0, a word that no run from reset reaches. S
    is a power of two up to H.

Operation ``linear``: encoder, hidden layer, readout
    With ``x_s`` the words of source s, and the columns of ``rows[r]`` divided among the sources in
    order::

        acc       = biases[r] + sum_s 2**aligns[s] * sum_j rows[r][s, j] x_s[j]
        target[r] = f(rnd(2**-shifts[r] * multipliers[r] * acc))

    ``f`` is ``function``, or the identity if that is absent. Formats do not enter: the multipliers
    and shifts include their scales. With ``n_channels`` C > 1, every source and the target consist
    of C equal parts, and the same rows map part c of the sources to part c of the target.

Operation ``pointwise``: gates, changes of format
    ``target[i] = f(rnd(sum of the terms))`` in real values. Each term is ``+-a[i] b[i]`` or
    ``+-a[i]``. The sum is exact; ``rnd`` rounds it to the frac_bits of the target or, with a
    function, of the function's ``in_fmt``.

Operation ``argmax``
    ``target[0]`` is the smallest index of the largest word of the source.

Function of ``linear`` and ``pointwise``
    A piecewise polynomial. Saturate the argument x to ``in_fmt``. The range of that format divides
    evenly into 2**k ``pieces``: of the unsigned word ``x - min``, the k highest bits select the
    piece c, and the remaining bits are ``rest``. Evaluate from the highest degree down: y is first
    the highest coefficient of c; then, for each lower j, ``y = c[j] + floor(2**-shifts[j] * y *
    rest)``. The result is ``rnd(2**-guard * y)``, a word of the target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._support import identifiers
from .._support.channel import Channel
from ..errors import FormatError, ModelFileError
from .codec import from_data, to_data
from .memory_updates import Adaptor, Cascade, DenseUpdate, Ladder
from .operations import (
    Argmax,
    Function,
    Linear,
    MemoryUpdate,
    Operation,
    Pointwise,
    Scale,
    Term,
)
from .spiking_update import Spiking
from .word_vectors import Role, Vector

__all__ = [
    "Adaptor",
    "Argmax",
    "Cascade",
    "Channel",
    "DenseUpdate",
    "Function",
    "Ladder",
    "Linear",
    "MemoryUpdate",
    "Operation",
    "Pointwise",
    "Program",
    "Role",
    "Scale",
    "Spiking",
    "Term",
    "Vector",
    "from_json",
]

SCHEMA_VERSION = 2
MAX_REASON = 200
"""Longest quotation from a damaged file [characters]."""
MAX_OUTPUT_EVERY = 1 << 30
"""Largest number of steps between two outputs."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A complete design in integers.

    Parameters
    ----------
    title : str
        Description of the design for headers and reports: one line of printable ASCII without
        ``*/``. Backends ignore it.
    vectors : tuple of Vector
    ops : tuple of Operation
    name : str
        Prefix of every generated file, module and C name.
    output_every : int
        Steps from one output to the next; 0: when the caller requests it.
    clock : str
        Name of the state vector that counts the steps if ``output_every`` > 1, else empty.

    Raises
    ------
    FormatError
        If a shape is wrong, an intermediate could exceed 63 bits, or a vector is used contrary to
        its role.
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
        """Return the total number of words in the vectors of one role."""
        return sum(v.length for v in self.with_role(role))

    def channels(self, op: Operation) -> int:
        """Return how many times a step applies ``op``: once for each channel."""
        return op.channels(self.vector)

    def multiplies(self, op: Operation) -> int:
        """Return the multiplications of one execution of ``op``, all channels together.

        Counts products with coefficients, weights and gates, but not the scaling of rows and the
        evaluation of functions.
        """
        return op.multiplies(self.vector)

    @property
    def multiplies_per_step(self) -> int:
        """Multiplications in every step."""
        return sum(
            self.multiplies(op) for op, lazy in zip(self.ops, self.lazy, strict=True) if not lazy
        )

    @property
    def draws_per_step(self) -> int:
        """Random numbers drawn in a step, outside zero-input runs."""
        return sum(op.draws(self.vector) for op in self.ops if isinstance(op, Spiking))

    @property
    def multiplies_per_output(self) -> int:
        """Additional multiplications in a step whose output is due."""
        return sum(
            self.multiplies(op) for op, lazy in zip(self.ops, self.lazy, strict=True) if lazy
        )

    @property
    def work_per_output(self) -> int:
        """Multiplications and random numbers of a step whose output is due."""
        return self.multiplies_per_step + self.multiplies_per_output + self.draws_per_step

    @property
    def multiplies_for_output(self) -> int:
        """Multiplications of a step that serve outputs alone; a step without one may skip them."""
        pairs = zip(self.ops, self.only_for_output, strict=True)
        return sum(self.multiplies(op) for op, alone in pairs if alone)

    @cached_property
    def lazy(self) -> tuple[bool, ...]:
        """Whether each operation executes only in steps whose output is due."""
        if self.output_every == 1:
            return (False,) * len(self.ops)
        return self.only_for_output

    @cached_property
    def only_for_output(self) -> tuple[bool, ...]:
        """Whether each operation serves outputs alone: no state vector depends on its results."""
        # state words at the end of a step are needed by the next step
        needed = {v.name for v in self.with_role(Role.STATE)}
        found = []
        for op in reversed(self.ops):
            found.append(not needed & set(op.writes))
            if not found[-1]:
                needed = needed - set(op.writes) | set(op.reads)
        return tuple(reversed(found))

    @cached_property
    def counts(self) -> frozenset[str]:
        """Names of vectors of integers without a unit: class labels, counts of spikes."""
        found = [op.target for op in self.ops if isinstance(op, Argmax)]
        return frozenset(found + [op.spikes for op in self.ops if isinstance(op, Spiking)])

    @cached_property
    def _by_name(self) -> dict[str, Vector]:
        return {v.name: v for v in self.vectors}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON text, in hex."""
        return _sha256(self._body)

    @cached_property
    def _body(self) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, **to_data(self)}

    def to_json(self) -> str:
        """Return the program with its digest as JSON text, a line for each vector and row."""
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
        # hash the text too, not only the parsed program: an unknown key is an edit
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
    """Raise `FormatError` unless all names are valid and all vectors used by operations exist."""
    if not identifiers.is_design_name(program.name):
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
        v.check_channels()
    for op in program.ops:
        for name in (*op.reads, *op.writes):
            if name not in names:
                raise FormatError(
                    f"operation {op.kind} must name vectors of the program, not {name!r}"
                )


def _check_flow(program: Program) -> None:
    """Raise `FormatError` unless every vector is used according to its role.

    A memory update works in place, so its source must not be one of its states.
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
        if isinstance(op, MemoryUpdate) and op.source in op.writes:
            raise FormatError(f"{op.kind} must not read what it writes: {op.source!r}")
        if len(set(op.writes)) < len(op.writes):
            raise FormatError(f"{op.kind} must write vectors that differ, not {list(op.writes)}")
        written |= set(op.writes)
    for v in program.with_role(Role.OUTPUT):
        if v.name not in written:
            raise FormatError(f"output {v.name!r} must be written by an operation")


def _check_clock(program: Program) -> None:
    """Raise `FormatError` unless the clock is valid, and present exactly if output_every > 1."""
    every = program.output_every
    if not 0 <= every <= MAX_OUTPUT_EVERY:
        raise FormatError(f"output_every must be from 0 to {MAX_OUTPUT_EVERY}, not {every}")
    if (every > 1) != bool(program.clock):
        raise FormatError("a program must have a clock if output_every > 1, and only then")
    if program.clock:
        clock = program._by_name.get(program.clock)
        fits = clock is not None and (clock.role, clock.length) == (Role.STATE, 1)
        if not fits or clock.fmt.frac_bits or clock.fmt.signed or clock.fmt.max < every - 1:  # type: ignore[union-attr]
            raise FormatError(
                f"clock {program.clock!r} must be a state vector of one unsigned integer that "
                f"holds {every - 1}"
            )
        if any(program.clock in op.writes for op in program.ops):
            raise FormatError(f"operations must not write the clock {program.clock!r}")


def _canonical(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True)


def _sha256(data: Any) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def _op_text(op: dict[str, Any]) -> str:
    """Return an operation as JSON text, a line for each row."""
    text = _canonical({**op, "rows": []} if "rows" in op else op)
    rows: Iterable[str] = (_canonical(row) for row in op.get("rows", ()))
    return text.replace('"rows":[]', '"rows":[\n' + ",\n".join(rows) + "\n]", 1)
