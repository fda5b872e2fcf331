"""Passes over vectors of words and the cascade of four channels at once, on the Cortex-M55.

Every program has more words than whole vectors, and inputs at both ends of their formats.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import CertificateError
from lmu_hw.firmware import c_sums, emit, kernels_text
from lmu_hw.firmware.boards import installed
from lmu_hw.firmware.boards.microcontrollers import TARGETS
from lmu_hw.memory.spec import parse
from lmu_hw.models.network import Activation
from lmu_hw.program.codec import to_data
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Function, Program, Role, Vector
from lmu_hw.program.operations import Linear, Operation, Pointwise, Term
from lmu_hw.proof.c_sums import check_sums
from lmu_hw.quantize.activations import make_function
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.verify.backends import board_c, sanitized
from lmu_hw.verify.stimulus import Reference
from tests.factories.builds import VERSION, write_c, write_c_build
from tests.factories.programs import cascade_program
from tests.tools import require

pytestmark = [pytest.mark.cc, pytest.mark.qemu]

N = 11
"""Words: two vectors and three more."""
N_STEPS = 90
TABLES = ((Activation.TANH, 16), (Activation.TANH, 12), (Activation.SIGMOID, 8))
"""Activations with tables of 32, of 16 and of unsigned 16 bits."""


@cache
def activation(kind: Activation, bits: int) -> Function:
    """Return an activation with results of so many bits."""
    unsigned = QFormat(0, min(bits, 15), signed=False)
    return make_function(kind, unsigned if kind is Activation.SIGMOID else QFormat(1, bits - 1))


def program(ops: list[tuple[Operation, QFormat]], inputs: dict[str, QFormat], n: int) -> Program:
    """Return operations with an output each, on inputs of ``n`` words each."""
    vectors = [Vector(name="unused", length=1, role=Role.STATE, fmt=QFormat(1, 15))]
    vectors += [Vector(name=k, length=n, role=Role.INPUT, fmt=fmt) for k, fmt in inputs.items()]
    vectors += [
        Vector(
            name=op.writes[0],
            length=len(op.rows) if isinstance(op, Linear) else n,
            role=Role.OUTPUT,
            fmt=fmt,
        )
        for op, fmt in ops
    ]
    return Program(title="vectors", vectors=tuple(vectors), ops=tuple(op for op, _ in ops))


def pointwise() -> Program:
    """Return sums of words and of products, and every table of an activation."""
    fine, coarse, narrow = QFormat(1, 15), QFormat(2, 14), QFormat(5, 7)
    sums = {
        "gate": ((Term("a", "b"), Term("c", "d")), fine),
        "other_gate": ((Term("c", "d"), Term("a", "b")), fine),
        "rest": ((Term("a", "b"), Term("c", minus=True)), QFormat(3, 9)),
        "mixed": ((Term("a", "b"), Term("c", "d", minus=True), Term("d")), QFormat(4, 11)),
        "equal": ((Term("a", "b"), Term("b", "b", minus=True)), fine),
        "words": ((Term("c"), Term("d")), QFormat(2, 12)),
        "short_words": ((Term("c"), Term("d", minus=True)), narrow),
        "same": ((Term("c"), Term("d", minus=True)), coarse),
        "product": ((Term("a", "b"),), QFormat(1, 10)),
    }
    ops: list[tuple[Operation, QFormat]] = [
        (Pointwise(terms=terms, target=name), fmt) for name, (terms, fmt) in sums.items()
    ]
    for kind, bits in TABLES:
        f = activation(kind, bits)
        out = QFormat(0, bits, signed=False) if kind is Activation.SIGMOID else QFormat(1, bits - 1)
        for terms in ((Term("e"),), (Term("a", "e"),)):
            name = f"{kind.value}_{bits}_{len(terms[0].names)}"
            ops.append((Pointwise(terms=terms, target=name, function=f), out))
    inputs = dict.fromkeys("ab", fine) | dict.fromkeys("cd", coarse) | {"e": QFormat(5, 11)}
    return program(ops, inputs, N)


def rows() -> Program:
    """Return rows with every kind of bias, factor and shift, and with activations."""
    rng, tanh = np.random.default_rng(0), activation(Activation.TANH, 16)
    weights = tuple(tuple(map(int, row)) for row in rng.integers(-128, 128, (N, N)))
    factors = tuple(map(int, rng.integers(1 << 14, 1 << 16, N)))
    shifts = tuple(map(int, rng.integers(22, 28, N)))
    kinds: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], Function | None]] = {
        "bytes": (100, factors, shifts, None),
        "words": (30000, factors, (25,) * N, tanh),
        "wide": (1 << 20, (1,) * N, (9,) * N, tanh),
        "none": (0, factors, shifts, activation(Activation.SIGMOID, 8)),
        "loop": (100, (5,) * N, (14,) * N, tanh),
        "over_32_bits": ((1 << 31) - 1, factors, (32,) * N, None),
    }
    ops: list[tuple[Operation, QFormat]] = [
        (
            Linear(
                sources=sources,
                target=f"{name}_{len(sources)}",
                n_channels=1,
                rows=tuple(row * len(sources) for row in weights),
                aligns=(0, 1)[: len(sources)],
                biases=(bias, -bias, *map(int, rng.integers(-bias, bias + 1, N - 2))),
                multipliers=factor,
                shifts=shift,
                function=function,
            ),
            QFormat(1, 15),
        )
        for name, (bias, factor, shift, function) in kinds.items()
        for sources in (("a",), ("b", "a"))
    ]
    return program(ops, dict.fromkeys("ab", QFormat(1, 15)), N)


def cascade(kind: str) -> Program:
    """Return a cascade of six channels, of which a vector holds four."""
    if kind == "memory":
        spec = {"order": 5, "theta": 12, "bits": 16, "channels": 6, "output": "state"}
        return quantize_memory(parse(spec)).program
    fmts = {"outer": QFormat(5, 14), "inner": QFormat(4, 16), "chain": QFormat(3, 16)}
    return cascade_program(sections="prp", channels=6, bits=16, seed=3, **fmts)


PROGRAMS = {
    "pointwise": pointwise,
    "rows": rows,
    "memory": lambda: cascade("memory"),
    "saturated": lambda: cascade("saturated"),
}
QUICK = {("c-m55", kind) for kind in ("pointwise", "rows", "saturated")}


def words(p: Program) -> np.ndarray:
    """Return noise, both ends of the formats, and zero-input runs of some channels."""
    rng = np.random.default_rng(1)
    fmts = [v.fmt for v in p.with_role(Role.INPUT) for _ in range(v.length)]
    low, high = (np.array([getattr(f, end) for f in fmts]) for end in ("min", "max"))
    u = rng.integers(low, high + 1, (2 * N_STEPS, len(fmts)))
    u[0], u[1], u[2] = low, high, np.where(np.arange(len(fmts)) % 2, low, high)
    u[3:6] //= 64
    for channel in range(len(fmts)):  # each channel alone, then two of a vector
        u[12 + 20 * channel : 32 + 20 * channel, channel] = 0
    u[140:160, 1:3] = 0
    return u[:, None]


def mismatches(name: str, p: Program, build_dir: Path) -> int:
    """Return the words that differ from the interpreter's on a board."""
    target = TARGETS[name]
    result = board_c.run(target, build_dir, p, [Reference(p, 1).run(words(p))], 1)
    return result.mismatches


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=() if (name, kind) in QUICK else pytest.mark.soak)
        for name in ("c-m55", "c-m0", "c-m4", "c-m33")
        for kind in PROGRAMS
    ],
)
def test_words(name: str, kind: str, tmp_path: Path) -> None:
    require(TARGETS[name].toolchain.compiler, TARGETS[name].toolchain.qemu)
    assert installed.missing(TARGETS[name].toolchain) == ()
    p = PROGRAMS[kind]()
    write_c_build(p, tmp_path, 2)
    assert mismatches(name, p, tmp_path) == 0


def passes() -> dict[str, str]:
    """Return the passes over vectors with their texts, by name."""
    text = kernels_text().partition("---- 5. Vectors")[2]
    found = re.findall(
        r"^LMU_KERNELS_INLINE void (lmu_(\w+)\(.*?\n}\n)", text, re.MULTILINE | re.DOTALL
    )
    return {body.partition("(")[0]: body for body, _ in found}


def test_every_pass_is_called() -> None:
    """The programs of this module take all passes, so that their words show that they work."""
    called = "".join(emit(make(), version=VERSION)["lmu.c"] for make in PROGRAMS.values())
    assert {name for name in passes() if f"{name}(" not in called} == set()


@pytest.mark.soak
@pytest.mark.parametrize(("lane", "name"), [(n % 4, name) for n, name in enumerate(passes())])
def test_a_broken_lane_is_found(name: str, lane: int, tmp_path: Path) -> None:
    """One lane of each pass, of all its vectors but no other, holds something else."""
    require(TARGETS["c-m55"].toolchain.compiler, TARGETS["c-m55"].toolchain.qemu)
    body = passes()[name]
    if name == "lmu_scatter":
        broken = body.replace("{\n", f"{{\n    x[{lane}] ^= 1;\n", 1)
    elif name == "lmu_four_ports":
        broken = body.replace("\n}\n", f"\n    (*b)[{lane}] ^= 1;\n}}\n")
    else:
        broken = re.sub(r"( vstr[wh]\.32 (q\d))", rf' vmov.32 \2[{lane}], lr\\n"\n"\1', body)
    assert broken != body
    found = 0
    for kind, make in PROGRAMS.items():
        p = make()
        if f"{name}(" in emit(p, version=VERSION)["lmu.c"]:
            header = write_c_build(p, tmp_path / kind, 2) / "lmu_kernels.h"
            header.write_text(header.read_text().replace(body, broken))
            found += mismatches("c-m55", p, tmp_path / kind)
            break
    assert found > 0


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "pointwise" else pytest.mark.soak) for k in PROGRAMS]
)
def test_words_without_vectors(kind: str, tmp_path: Path) -> None:
    """The loops beside the passes, on the host with sanitizers."""
    require("gcc|clang")
    p = PROGRAMS[kind]()
    result, _ = sanitized.run(write_c(p, tmp_path / "c").parent, p, 0)
    assert (result.first, result.mismatches) == (None, 0)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_claims(kind: str) -> None:
    """Sums of products that need 33 bits to the last one lose a bit first; certificates agree."""
    p = PROGRAMS[kind]()
    found = c_sums(p)
    claims = json.loads(json.dumps(to_data(found)))
    check_sums(json.loads(p.to_json()), claims, emit(p, version=VERSION)["lmu.c"])
    if kind == "pointwise":
        assert {c.ctype for c in found if c.variable == "sum"} == {"int32_t"}
        widest = next(c for c in claims if c["function"] == "pointwise_1")
        widest["high"] += 1
        with pytest.raises(CertificateError, match="pointwise_1: sum"):
            check_sums(json.loads(p.to_json()), claims, emit(p, version=VERSION)["lmu.c"])
