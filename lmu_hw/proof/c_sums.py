"""Ranges of the sums in the generated C, checked against their types.

A claim names a variable of the C, its function, its type, the columns of a row that it sums and its
scale. This module computes the range again, for any words of the formats, from the program alone:
it does not use the generator that chose the types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import CertificateError
from ..program.fixedpoint import QFormat, Rounding, round_shift
from .c_half_sums import check_calls, check_halves
from .c_spike_sums import spike_sums, spike_variables
from .c_wave_sums import multiplied, products, wave_sums
from .interval import Data, Range, fmt_of

MAX_SHOWN = 120
"""Longest quotation of a damaged claim in an error [characters]."""
MAX_SCALE = 128
"""Most fractional bits that a sum may have beyond those of its words."""
WIDEST = 1 << 31
"""Limit of a sum of 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedSum:
    """A C variable that needs a claim.

    Attributes
    ----------
    op : mapping
        Its operation or function.
    function : str
        Its C function, without the prefix of the program.
    variable : str
    """

    op: Data
    function: str
    variable: str


def check_sums(program: Data, claims: Any, text: str) -> None:
    """Raise unless every sum of the C has a correct claim and fits its type.

    Parameters
    ----------
    program : mapping
        The data of ``program.json``.
    claims : list of mapping
        ``c_sums`` of the certificate.
    text : str
        The generated C.

    Raises
    ------
    CertificateError
        If a claim is missing, wrong or damaged.
    """
    if not isinstance(claims, list) or not all(isinstance(c, dict) for c in claims):
        raise CertificateError("program", "the claims of its C sums are missing")
    sums = {(s.function, s.variable): s for s in _sums(program)}
    formats = {v["name"]: fmt_of(v["fmt"]) for v in program["vectors"]}
    lengths = {v["name"]: v["length"] for v in program["vectors"]}
    for claim in claims:
        _check_shape(claim)
        name = f"{claim['function']}: {claim['variable']}"
        key = claim["function"], _row_sum(claim["variable"])
        if key not in sums or (key[1] != "dots" and claim.keys() & {"columns", "low_bits"}):
            raise CertificateError(name, "has a claim, but is not a sum of the program")
        low, high = _Reach(formats, lengths).of(sums[key], claim, name)
        if (claim["low"], claim["high"]) != (low, high):
            raise CertificateError(
                name,
                f"is claimed to reach {claim['low']} to {claim['high']}, but the program gives "
                f"{low} to {high}",
            )
        _check_type(name, claim, low, high)
        _check_text(name, claim, program["name"], text)
    check_calls(program, claims, text)
    _check_all(sums, claims, lengths)


def _check_shape(claim: Data) -> None:
    """Raise unless a claim has the fields of a claim."""
    kinds = {"function": str, "variable": str, "type": str, "low": int, "high": int}
    wrong = [key for key, kind in kinds.items() if type(claim.get(key)) is not kind]
    if (
        wrong
        or "scale_bits" not in claim
        or claim.keys() - {*kinds, "scale_bits", "columns", "low_bits"}
    ):
        raise CertificateError(
            "program", f"a claim of its C sums is damaged: {str(claim)[:MAX_SHOWN]}"
        )


def _check_type(name: str, claim: Data, low: int, high: int) -> None:
    found = re.fullmatch(r"int(32|64)_t", str(claim.get("type")))
    room = 1 << int(found[1]) - 1 if found else 0
    if not -room <= low <= high < room:
        raise CertificateError(
            name, f"is claimed to fit {claim.get('type')}, but reaches {low} to {high}"
        )


def _check_text(name: str, claim: Data, prefix: str, text: str) -> None:
    """Raise unless the C declares the variable with the claimed type."""
    function = re.escape(f"{prefix}_{claim['function']}")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    body = re.search(rf"^\w[^\n]* {function}\([^;{{]*\n{{(.*?)^}}", text, re.M | re.S)
    variable = re.escape(claim["variable"])
    types = set(re.findall(rf"\b(u?int\d+_t) {variable}\b", body[1])) if body else set()
    if types != {claim["type"]}:
        found = " and ".join(sorted(types)) or "nowhere"
        raise CertificateError(name, f"is {claim['type']} by the certificate, but {found} in the C")


def _check_all(
    sums: Mapping[tuple[str, str], ClaimedSum], claims: Iterable[Data], lengths: Mapping[str, int]
) -> None:
    """Raise unless every sum has a claim, and claims cover all columns of rows."""
    columns: dict[tuple[str, str], list[tuple[int, int]]] = {key: [] for key in sums}
    seen = set()
    for claim in claims:
        key = claim["function"], _row_sum(claim["variable"])
        seen.add(key)
        columns[key] += [tuple(claim["columns"])] if "columns" in claim else []
    for (function, variable), s in sums.items():
        name = f"{function}: {variable}"
        if (function, variable) not in seen:
            raise CertificateError(name, "the claim of its range is missing")
        if variable == "dots":
            ends = [0, *chain(*sorted(columns[function, variable])), len(s.op["rows"][0])]
            if ends[::2] != ends[1::2]:
                raise CertificateError(name, "no claim covers some columns of a row")


def _row_sum(variable: Any) -> Any:
    """Return ``dots`` for both arrays of row sums, of 32 and of 64 bits."""
    return "dots" if variable == "dots64" else variable


def _sums(program: Data) -> Iterator[ClaimedSum]:
    """Yield the sums of a program's C."""
    formats = {v["name"]: fmt_of(v["fmt"]) for v in program["vectors"]}
    kinds = [op["kind"] for op in program["ops"]]
    names: dict[str, Any] = {}
    for n, op in enumerate(program["ops"]):
        kind = function = op["kind"]
        if kinds.count(kind) > 1:
            function = f"{kind}_{kinds[: n + 1].count(kind)}"
        if kind == "linear":
            factors = ["x"] if set(op["multipliers"]) != {1} else []
            variables = {function: ["dots", "sum", *factors]}
        elif kind == "pointwise":
            variables = {} if _only_rounds(op, formats) else {function: ["sum"]}
        elif kind == "dense":
            variables = {function: ["v"], f"{function}_rows_of": ["acc"]}
        elif kind == "cascade":
            variables = {f"{function}_{port}": ["d", "t"] for port in _ports(op)}
        elif kind == "spiking":
            variables = {f"{function}_{port}": ["d", "t"] for port in _ports(op["cascade"])}
            variables |= {f"{function}_{name}": [v] for name, v in spike_variables(op).items()}
        elif kind == "ladder":
            variables = {f"{function}_product": ["d", "t"], f"{function}_sum": ["sum"]}
            if op["substeps"] > 1:
                variables[f"{function}_input"] = ["sum"]
        elif kind == "scale":
            variables = {function: ["x"]}
        else:
            continue
        for where, found in variables.items():
            yield from (ClaimedSum(op=op, function=where, variable=name) for name in found)
        applied = op.get("function")
        if applied is not None and applied not in names.values():
            names[_function_name(applied, names)] = applied
    yield from (ClaimedSum(op=f, function=name, variable="y") for name, f in names.items())


def _only_rounds(op: Data, formats: Mapping[str, QFormat]) -> bool:
    """Return whether words of 17 to 31 bits are rounded to 16: the half fits 32 bits as well."""
    term, fmt, to = op["terms"][0], formats[op["terms"][0]["a"]], formats[op["target"]]
    if len(op["terms"]) > 1 or term["b"] or term["minus"] or op["function"] is not None:
        return False
    if not (fmt.signed and to.signed and 16 < fmt.width < 32 and to.width == 16):
        return False
    return 0 < fmt.frac_bits - to.frac_bits <= 16


def _function_name(function: Data, taken: Mapping[str, Any]) -> str:
    name = first = "apply_" + re.sub(r"\W", "_", function["name"])
    n = 1
    while name in taken:
        n += 1
        name = f"{first}_{n}"
    return name


def _ports(op: Data) -> dict[str, list[Data]]:
    """Return the adaptors of a chain by kind."""
    pairs = [s for s in op["sections"] if len(s) == 2]
    found = {
        "outer": [s[0] for s in pairs],
        "inner": [s[1] for s in pairs],
        "real": [s[0] for s in op["sections"] if len(s) == 1],
    }
    return {kind: adaptors for kind, adaptors in found.items() if adaptors}


class _Reach:
    """Ranges of sums, for any words of the formats."""

    def __init__(self, formats: Mapping[str, QFormat], lengths: Mapping[str, int]) -> None:
        self.formats, self.lengths = formats, lengths

    def of(self, s: ClaimedSum, claim: Data, name: str) -> Range:
        """Return the range of a sum."""
        scale = claim.get("scale_bits")
        if scale is not None and (type(scale) is not int or not 0 <= scale <= MAX_SCALE):
            raise CertificateError(name, f"scale_bits is claimed to be {scale!r}")
        if s.variable == "y":
            return _function(s.op)
        kind = s.op["kind"]
        if kind == "spiking" and s.variable in spike_variables(s.op).values():
            return spike_sums(s.op, self.formats)[s.variable]
        if kind in ("cascade", "spiking"):
            return self._adaptor(s, scale, name)
        if kind == "ladder":
            return self._ladder(s, scale, name)
        if kind == "scale":
            fmt = self.formats[s.op["source"]]
            return products(multiplied(s.op), scale, (fmt.min, fmt.max), name)
        if kind == "dense":
            return self._dense(s)
        if kind == "pointwise":
            return self._pointwise(s.op, short=claim.get("type") == "int32_t")
        if s.variable == "dots":
            return self._part(s.op, claim, name)
        return self._row(s.op, scaled=s.variable == "x")

    def _columns(self, op: Data) -> list[Range]:
        """Return the range of each column's word, before alignment."""
        found: list[Range] = []
        for source in op["sources"]:
            fmt = self.formats[source]
            found += [(fmt.min, fmt.max)] * (self.lengths[source] // op["n_channels"])
        return found

    def _part(self, op: Data, claim: Data, name: str) -> Range:
        ranges, columns = self._columns(op), claim.get("columns")
        if (
            not isinstance(columns, list)
            or [type(c) for c in columns] != [int, int]
            or not 0 <= columns[0] <= columns[1] <= len(ranges)
        ):
            raise CertificateError(name, f"columns are claimed to be {columns!r}")
        part = slice(*columns)
        if "low_bits" in claim:
            try:
                check_halves([row[part] for row in op["rows"]], ranges[part], claim["low_bits"])
            except ValueError as error:
                raise CertificateError(name, str(error)) from error
        return _hull(_partial(row[part], ranges[part]) for row in op["rows"])

    def _row(self, op: Data, *, scaled: bool) -> Range:
        aligns: list[int] = []
        for source, align in zip(op["sources"], op["aligns"], strict=True):
            aligns += [align] * (self.lengths[source] // op["n_channels"])
        ranges = [(a << n, b << n) for (a, b), n in zip(self._columns(op), aligns, strict=True)]
        found = []
        for row, bias, factor in zip(op["rows"], op["biases"], op["multipliers"], strict=True):
            low, high = _partial(row, ranges)
            by = factor if scaled else 1
            found.append(((bias + low) * by, (bias + high) * by))
        return _hull(found)

    def _pointwise(self, op: Data, *, short: bool) -> Range:
        """Return the range of a sum of terms, aligned to the one with the most fractional bits.

        A ``short`` sum that would exceed 32 bits adds the terms with the most fractional bits
        first, and drops the bits that the next term does not have.
        """
        terms = []
        for term in op["terms"]:
            names = [name for name in (term["a"], term["b"]) if name]
            ends = [1]
            for name in names:
                ends = [
                    x * end
                    for x in ends
                    for end in (self.formats[name].min, self.formats[name].max)
                ]
            frac = sum(self.formats[name].frac_bits for name in names)
            terms.append(
                (-max(ends), -min(ends), frac) if term["minus"] else (min(ends), max(ends), frac)
            )
        align = max(frac for *_, frac in terms)
        seen = [(0, 0)]
        for least, most, frac in terms:
            low, high = seen[-1]
            seen.append((low + (least << align - frac), high + (most << align - frac)))
        found = _hull(seen[1:])
        if not short or -WIDEST <= found[0] <= found[1] < WIDEST:
            return found
        seen = [(0, 0)]
        for least, most, frac in sorted(terms, key=lambda term: -term[2]):
            low, high = (x >> align - frac for x in seen[-1])
            seen.append((low + least, high + most))
            align = frac
        return _hull(seen[1:])

    def _dense(self, s: ClaimedSum) -> Range:
        state, source = self.formats[s.op["state"]], self.formats[s.op["source"]]
        shift = source.frac_bits - state.frac_bits
        u = [
            round_shift(x, shift, Rounding.RND) if shift >= 0 else x << -shift
            for x in (source.min, source.max)
        ]
        first, held = (state.min - u[1], state.max - u[0]), (state.min, state.max)
        if s.variable == "v":
            return _hull([first, held])
        return _hull(_partial(row, [first, *[held] * (len(row) - 1)]) for row in s.op["rows"])

    def _adaptor(self, s: ClaimedSum, scale: int | None, name: str) -> Range:
        """Return the range of ``b - a``, or of its product, with ``scale`` more fractional bits."""
        op, port = s.op.get("cascade", s.op), s.function.rpartition("_")[2]
        w, inner = fmt_of(op["chain_fmt"]), self.formats[op["z_inner"]]
        outer = self.formats[op["z_outer"]] if op["z_outer"] else inner
        a, b = {"outer": (w, outer), "inner": (inner, outer), "real": (inner, w)}[port]
        align = max(a.frac_bits, b.frac_bits)
        a_low, a_high = (x << align - a.frac_bits for x in (a.min, a.max))
        b_low, b_high = (x << align - b.frac_bits for x in (b.min, b.max))
        low, high = b_low - a_high, b_high - a_low
        if s.variable == "d":
            return low << (scale or 0), high << (scale or 0)
        return products(_ports(op)[port], scale, (low, high), name)

    def _ladder(self, s: ClaimedSum, scale: int | None, name: str) -> Range:
        """Return the range of a difference of waves, its products, the rounded sums or an input."""
        op, fmt = s.op, self.formats[s.op["state"]]
        if s.function.endswith("_input"):
            source = self.formats[op["source"]]
            return source.min * 2 * op["substeps"], source.max * 2 * op["substeps"]
        peak = fmt.max - fmt.min
        if s.variable == "d":
            return -peak << (scale or 0), peak << (scale or 0)
        if s.variable == "t":
            used = [*op["sections"], op["reflection"]]
            return products(used, scale, (-peak, peak), name)
        return wave_sums(op, fmt)


def _partial(row: Iterable[int], ranges: Iterable[Range]) -> Range:
    """Return the range of all partial sums of the products, in any order."""
    low = high = 0
    for weight, ends in zip(row, ranges, strict=True):
        products = [weight * end for end in ends]
        low, high = low + min(0, *products), high + max(0, *products)
    return low, high


def _hull(ranges: Iterable[Range]) -> Range:
    found = list(ranges)
    return min(low for low, _ in found), max(high for _, high in found)


def _function(f: Data) -> Range:
    """Return the range of all intermediates of a polynomial, over all pieces."""
    in_fmt = fmt_of(f["in_fmt"])
    rest = (1 << in_fmt.width - (len(f["pieces"]).bit_length() - 1)) - 1
    seen = []
    for piece in f["pieces"]:
        low = high = piece[-1]
        seen.append((low, high))
        for c, shift in zip(reversed(piece[:-1]), reversed(f["shifts"]), strict=True):
            low, high = min(0, low * rest), max(0, high * rest)
            seen.append((low, high))
            low, high = c + (low >> shift), c + (high >> shift)
            seen.append((low, high))
        seen.append((low, high + (1 << f["guard"] >> 1)))
    return _hull(seen)
