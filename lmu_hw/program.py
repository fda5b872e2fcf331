"""The integer program: the single truth that every executor obeys. This text is normative.

A program is a list of operations over named vectors of words. Each vector has a length, one
`~lmu_hw.fixedpoint.QFormat` for all its words, and a role:

- INPUT: set by the caller before every step. Any word of the format is legal.
- STATE: kept from step to step; all zero after reset. Together the state vectors are the whole
  memory of a program: saving and loading means copying their words, in the order of `vectors`.
- OUTPUT: read by the caller after every step, concatenated in the order of `vectors`.

One step runs the operations in order; an operation reads each vector as the operations before it
left it. All arithmetic is exact on integers; bits are lost only where "round" is written, and a
written word is limited to its format by saturation, always after rounding. In real values a word
``x`` of format ``Qi.f`` is ``x * 2**-f``; coefficients are integers with a right shift of their
own. ``rnd`` rounds to nearest, half up; ``trn`` rounds toward zero
(`~lmu_hw.fixedpoint.Rounding`).

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

Linear (readout, encoder, hidden layer)
    ``x`` = the sources' words concatenated; ``target[r] = rnd(2**-shifts[r] * (biases[r] + sum_j
    rows[r][j] x[j]))``. With ``channels`` C > 1 every source and the target consist of C equal
    parts and the same rows map part c of the sources to part c of the target.

Requantize
    ``target[i] = source[i]`` rounded (``rnd``) to the target's format.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar

from . import naming
from .errors import FormatError, ModelFileError
from .fixedpoint import MAX_WORD_BITS, QFormat

SCHEMA_VERSION = 1
MAX_REASON = 200
"""Longest reason quoted from a damaged file [characters]."""


class Role(Enum):
    """Who writes and who reads a vector."""

    INPUT = "input"
    STATE = "state"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A named vector of ``length`` words in format ``fmt``.

    ``about`` says what the words mean to a reader; no meaning for executors.
    """

    name: str
    length: int
    fmt: QFormat
    role: Role
    about: str = ""


@dataclass(frozen=True, slots=True)
class Adaptor:
    """The coefficient of one two-port: ``e = coef * 2**-shift``, 0 < e < 2."""

    coef: int
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Memory update by a chain of lossless sections (see the module text)."""

    kind: ClassVar[str] = "cascade"
    source: str
    z_outer: str
    z_inner: str
    silence: str
    chain_fmt: QFormat
    window: int
    sections: tuple[tuple[Adaptor, ...], ...]

    @property
    def n_pairs(self) -> int:
        """Number of two-adaptor sections."""
        return sum(len(section) == 2 for section in self.sections)

    @property
    def multiplies(self) -> int:
        """Multiplications per step and channel: one for each adaptor."""
        return sum(map(len, self.sections))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """Memory update by a full matrix (see the module text); ``rows`` hold Abar - I."""

    kind: ClassVar[str] = "dense"
    source: str
    state: str
    silence: str
    window: int
    rows: tuple[tuple[int, ...], ...]
    shifts: tuple[int, ...]

    @property
    def multiplies(self) -> int:
        """Multiplications per step and channel."""
        return sum(map(len, self.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Affine rows with a shift of their own (see the module text)."""

    kind: ClassVar[str] = "linear"
    sources: tuple[str, ...]
    target: str
    channels: int
    rows: tuple[tuple[int, ...], ...]
    shifts: tuple[int, ...]
    biases: tuple[int, ...]

    @property
    def multiplies(self) -> int:
        """Multiplications per step and channel."""
        return sum(map(len, self.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantize:
    """Words of ``source`` in the format of ``target``."""

    kind: ClassVar[str] = "requantize"
    source: str
    target: str
    multiplies: ClassVar[int] = 0


Operation = Cascade | Dense | Linear | Requantize


@dataclass(frozen=True, kw_only=True)
class Program:
    """A whole design in integers.

    Parameters
    ----------
    title : str
        What was asked for, in one line of printable ASCII without ``*/``, for headers and reports;
        no meaning for executors.
    vectors : tuple of Vector
    ops : tuple of Operation
    name : str
        Prefix of every generated file, module and C name.

    Raises
    ------
    FormatError
        If a shape is wrong or an intermediate could exceed 63 bits.
    """

    title: str
    vectors: tuple[Vector, ...]
    ops: tuple[Operation, ...]
    name: str = "lmu"

    def __post_init__(self) -> None:
        check(self)

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
        if isinstance(op, Cascade | Dense):
            return self.vector(op.source).length
        return op.channels if isinstance(op, Linear) else 1

    @property
    def multiplies_per_step(self) -> int:
        """Multiplications in one step of all operations and channels."""
        return sum(op.multiplies * self.channels(op) for op in self.ops)

    @cached_property
    def _by_name(self) -> dict[str, Vector]:
        return {v.name: v for v in self.vectors}

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON text, in hex."""
        return _sha256(self._body)

    @cached_property
    def _body(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "title": self.title,
            "vectors": [_vector_to_dict(v) for v in self.vectors],
            "ops": [_op_to_dict(op) for op in self.ops],
        }

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
            raise ModelFileError(f"program must be JSON with schema_version {SCHEMA_VERSION}")
        program = Program(
            name=_typed(data["name"], str),
            title=_typed(data["title"], str),
            vectors=tuple(_vector_from_dict(v) for v in data["vectors"]),
            ops=tuple(_op_from_dict(op) for op in data["ops"]),
        )
        digest = data.pop("digest")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(
            f"program is damaged: {reason[:MAX_REASON]}; generate it again"
        ) from error
    # of the text as well as of what was read: a key that no program has is an edit too
    if not program.digest == _sha256(data) == digest:
        raise ModelFileError(
            "program does not match its digest: it was edited or damaged; generate it again"
        )
    return program


def check(program: Program) -> None:
    """Raise `FormatError` unless shapes agree and every intermediate fits 63 bits."""
    if not naming.is_free(program.name):
        raise FormatError(f"name must be {naming.RULE}, not {program.name!r}")
    for what, text in [("title", program.title), *((v.name, v.about) for v in program.vectors)]:
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
        for name in _names_used(op):
            if name not in names:
                raise FormatError(f"operation {op.kind} names no vector of the program: {name!r}")
        _CHECKS[op.kind](program, op)


def _names_used(op: Operation) -> tuple[str, ...]:
    if isinstance(op, Cascade):
        outer = (op.z_outer,) if op.n_pairs else ()
        return (op.source, op.z_inner, op.silence, *outer)
    if isinstance(op, Dense):
        return (op.source, op.state, op.silence)
    if isinstance(op, Linear):
        return (*op.sources, op.target)
    return (op.source, op.target)


def _check_length(program: Program, name: str, length: int) -> None:
    if program.vector(name).length != length:
        raise FormatError(f"{name} has length {program.vector(name).length} but should be {length}")


def _check_bits(what: str, bits: int) -> None:
    if bits > MAX_WORD_BITS:
        raise FormatError(
            f"{what} needs {bits} bits but must fit {MAX_WORD_BITS}: "
            "ask for fewer state or coefficient bits"
        )


def _check_aligned(what: str, source: QFormat, target: QFormat) -> None:
    _check_bits(what, source.width + abs(source.frac_bits - target.frac_bits) + 1)


def _check_silence(program: Program, op: Cascade | Dense) -> None:
    channels = program.vector(op.source).length
    _check_length(program, op.silence, channels)
    fmt = program.vector(op.silence).fmt
    if fmt.signed or fmt.frac_bits or not 1 <= op.window <= fmt.max:
        raise FormatError(
            f"{op.silence} must be an unsigned integer format that holds window >= 1, "
            f"not {fmt} with window {op.window}"
        )


def _check_cascade(program: Program, op: Cascade) -> None:
    channels = program.vector(op.source).length
    _check_silence(program, op)
    _check_aligned("cascade input", program.vector(op.source).fmt, op.chain_fmt)
    _check_length(program, op.z_inner, channels * len(op.sections))
    inner = program.vector(op.z_inner).fmt
    outer = inner
    if op.n_pairs:
        _check_length(program, op.z_outer, channels * op.n_pairs)
        outer = program.vector(op.z_outer).fmt
    for section in op.sections:
        if len(section) not in (1, 2):
            raise FormatError(f"a section must have 1 or 2 adaptors, not {len(section)}")
        for adaptor in section:
            _check_bits("adaptor", adaptor.shift + 2)
            if not (adaptor.shift >= 0 and 0 < adaptor.coef < 2 << adaptor.shift):
                raise FormatError(f"adaptor must have 0 < coef * 2**-shift < 2, not {adaptor}")
        ports = (
            [(op.chain_fmt, outer, section[0]), (inner, outer, section[-1])]
            if len(section) == 2
            else [(inner, op.chain_fmt, section[0])]
        )
        for a, b, adaptor in ports:
            align = max(a.frac_bits, b.frac_bits)
            wide = max(f.width + align - f.frac_bits for f in (a, b))
            drop = adaptor.shift + align - min(a.frac_bits, b.frac_bits)
            _check_bits("adaptor", max(wide + 1 + adaptor.coef.bit_length(), wide + 2, drop + 2))


def _check_dense(program: Program, op: Dense) -> None:
    n = len(op.rows)
    _check_silence(program, op)
    _check_length(program, op.state, n * program.vector(op.source).length)
    source, state = program.vector(op.source).fmt, program.vector(op.state).fmt
    _check_aligned("dense input", source, state)
    operand = 1 + max(state.width, source.width + max(0, state.frac_bits - source.frac_bits) + 1)
    _check_rows("dense", op.rows, op.shifts, n, operand)


def _check_linear(program: Program, op: Linear) -> None:
    if not op.sources or not op.rows:
        raise FormatError("linear must have at least one source and one row")
    lengths = [program.vector(name).length for name in op.sources]
    if op.channels < 1 or any(length % op.channels for length in lengths):
        raise FormatError(f"linear sources {op.sources} do not split into {op.channels} channels")
    if len(op.biases) != len(op.rows):
        raise FormatError(f"linear has {len(op.biases)} biases but should have {len(op.rows)}")
    _check_length(program, op.target, op.channels * len(op.rows))
    operand = max(program.vector(name).fmt.width for name in op.sources)
    _check_rows("linear", op.rows, op.shifts, sum(lengths) // op.channels, operand)
    _check_bits("linear bias", 2 + max(b.bit_length() for b in op.biases))


def _check_rows(
    what: str, rows: tuple[tuple[int, ...], ...], shifts: tuple[int, ...], n: int, operand: int
) -> None:
    if len(shifts) != len(rows) or any(len(row) != n for row in rows) or min(shifts) < 0:
        raise FormatError(f"{what} must have {n} columns and one shift >= 0 for each row")
    total = max(sum(map(abs, row)) for row in rows)
    _check_bits(what, max(total.bit_length() + operand, max(shifts) + 1) + 1)


def _check_requantize(program: Program, op: Requantize) -> None:
    source, target = program.vector(op.source), program.vector(op.target)
    _check_length(program, op.target, source.length)
    _check_aligned("requantize", source.fmt, target.fmt)


_CHECKS: dict[str, Any] = {
    "cascade": _check_cascade,
    "dense": _check_dense,
    "linear": _check_linear,
    "requantize": _check_requantize,
}


def _canonical(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True)


def _sha256(data: Any) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def _op_text(op: dict[str, Any]) -> str:
    """Return an operation as JSON with its rows one to a line."""
    text = _canonical({**op, "rows": []} if "rows" in op else op)
    rows = ",\n".join(_canonical(row) for row in op.get("rows", ()))
    return text.replace('"rows":[]', f'"rows":[\n{rows}\n]', 1)


def _fmt_to_dict(fmt: QFormat) -> dict[str, Any]:
    return {"int_bits": fmt.int_bits, "frac_bits": fmt.frac_bits, "signed": fmt.signed}


def _fmt_from_dict(data: dict[str, Any]) -> QFormat:
    return QFormat(
        _typed(data["int_bits"], int), _typed(data["frac_bits"], int), _typed(data["signed"], bool)
    )


def _vector_to_dict(v: Vector) -> dict[str, Any]:
    return {
        "name": v.name,
        "length": v.length,
        "role": v.role.value,
        **_fmt_to_dict(v.fmt),
        "about": v.about,
    }


def _vector_from_dict(data: dict[str, Any]) -> Vector:
    return Vector(
        name=_typed(data["name"], str),
        length=_typed(data["length"], int),
        fmt=_fmt_from_dict(data),
        role=Role(data["role"]),
        about=_typed(data["about"], str),
    )


def _op_to_dict(op: Operation) -> dict[str, Any]:
    data: dict[str, Any] = {"op": op.kind}
    if isinstance(op, Cascade):
        data |= {
            "source": op.source,
            "z_outer": op.z_outer,
            "z_inner": op.z_inner,
            "silence": op.silence,
            "chain_fmt": _fmt_to_dict(op.chain_fmt),
            "window": op.window,
            "sections": [[[a.coef, a.shift] for a in section] for section in op.sections],
        }
    elif isinstance(op, Dense):
        data |= {
            "source": op.source,
            "state": op.state,
            "silence": op.silence,
            "window": op.window,
            "rows": op.rows,
            "shifts": op.shifts,
        }
    elif isinstance(op, Linear):
        data |= {
            "sources": op.sources,
            "target": op.target,
            "channels": op.channels,
            "rows": op.rows,
            "shifts": op.shifts,
            "biases": op.biases,
        }
    else:
        data |= {"source": op.source, "target": op.target}
    return data


def _op_from_dict(data: dict[str, Any]) -> Operation:
    kind = data["op"]
    if kind == "cascade":
        return Cascade(
            source=_typed(data["source"], str),
            z_outer=_typed(data["z_outer"], str),
            z_inner=_typed(data["z_inner"], str),
            silence=_typed(data["silence"], str),
            chain_fmt=_fmt_from_dict(data["chain_fmt"]),
            window=_typed(data["window"], int),
            sections=tuple(
                tuple(Adaptor(_typed(c, int), _typed(s, int)) for c, s in section)
                for section in data["sections"]
            ),
        )
    if kind == "dense":
        return Dense(
            source=_typed(data["source"], str),
            state=_typed(data["state"], str),
            silence=_typed(data["silence"], str),
            window=_typed(data["window"], int),
            rows=_rows(data["rows"]),
            shifts=_ints(data["shifts"]),
        )
    if kind == "linear":
        return Linear(
            sources=tuple(_typed(s, str) for s in data["sources"]),
            target=_typed(data["target"], str),
            channels=_typed(data["channels"], int),
            rows=_rows(data["rows"]),
            shifts=_ints(data["shifts"]),
            biases=_ints(data["biases"]),
        )
    if kind == "requantize":
        return Requantize(source=_typed(data["source"], str), target=_typed(data["target"], str))
    raise ValueError(f"operation must be one of {sorted(_CHECKS)}, not {kind!r}")


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"value must be {kind.__name__}, not {value!r}")
    return value


def _ints(values: Any) -> tuple[int, ...]:
    return tuple(_typed(v, int) for v in values)


def _rows(values: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(_ints(row) for row in values)
