"""Transformations of process statements: merging, retargeting, conversion to multiplexers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from .rtlil import Assign, Bits, Case, Const, Spec, Statement, Switch
from .specs import constant, cut, joined, width_of


@dataclass(frozen=True, slots=True)
class Choice:
    """A multiplexer: ``yes`` if ``test`` equals ``value``, else ``no``."""

    test: Spec
    value: int
    yes: Choices
    no: Choices


Choices = Spec | Choice


def target_of(statements: list[Statement]) -> str:
    """Return the wire that a process drives."""
    for s in statements:
        if isinstance(s, Assign):
            return s.target.wire
        for _, body in s.cases:
            found = target_of(body)
            if found:
                return found
    return ""


def reads(statements: list[Statement]) -> list[Spec]:
    """Return all operands of the statements."""
    found: list[Spec] = []
    for s in statements:
        if isinstance(s, Assign):
            found.append(s.value)
        else:
            found.append(s.test)
            for _, body in s.cases:
                found += reads(body)
    return found


def repeated(statements: list[Statement], resolve: Callable[[Spec], Spec]) -> Hashable:
    """Return a value that is equal for statements that assign equal values to another target."""
    return tuple(
        (s.target.low, s.target.width, resolve(s.value))
        if isinstance(s, Assign)
        else (resolve(s.test), tuple((p, repeated(body, resolve)) for p, body in s.cases))
        for s in statements
    )


def retarget(statement: Statement, target: Bits) -> Statement:
    """Return the statement with its assignments redirected to ``target``."""
    if isinstance(statement, Assign):
        if (statement.target.low, statement.target.width) != (0, target.width):
            raise NotImplementedError(f"register {target.wire} is assigned in parts")
        return Assign(target, statement.value)
    cases = [(p, [retarget(s, target) for s in body]) for p, body in statement.cases]
    return Switch(statement.test, cases)


def merge(into: list[Statement], statements: list[Statement]) -> None:
    """Merge the statements of a register into a process, sharing switches with the same test.

    A switch that the process does not have yet goes before the next one that it has.
    """
    position = 0
    for number, s in enumerate(statements):
        if isinstance(s, Assign):
            place = next(
                (i for i, o in enumerate(into) if i >= position and isinstance(o, Switch)),
                len(into),
            )
            into.insert(place, s)
            position = place + 1
            continue
        place = _place(into, s, position)
        if place is not None:
            other = into[place]
            assert isinstance(other, Switch)
            for (_, mine), (_, theirs) in zip(s.cases, other.cases, strict=True):
                merge(theirs, mine)
        else:
            later = (_place(into, t, position) for t in statements[number + 1 :])
            place = next((p for p in later if p is not None), len(into))
            into.insert(place, Switch(s.test, [(p, _fresh(body)) for p, body in s.cases]))
        position = place + 1


def _place(statements: list[Statement], s: Statement, start: int) -> int | None:
    """Return the index, from ``start`` on, of a switch with the test and the cases of ``s``."""
    for i in range(start, len(statements)):
        other = statements[i]
        if (
            isinstance(other, Switch)
            and isinstance(s, Switch)
            and other.test == s.test
            and [p for p, _ in other.cases] == [p for p, _ in s.cases]
        ):
            return i
    return None


def _fresh(statements: list[Statement]) -> list[Statement]:
    copy: list[Statement] = []
    merge(copy, statements)
    return copy


def without_empty(statements: list[Statement]) -> list[Statement]:
    """Return the statements without empty cases and switches."""
    kept: list[Statement] = []
    for s in statements:
        if isinstance(s, Switch):
            cases = [(p, without_empty(body)) for p, body in s.cases]
            disjoint = all(p for p, _ in cases) and not any("-" in q for p, _ in cases for q in p)
            if disjoint:
                cases = [(p, body) for p, body in cases if body]
            while cases and not cases[-1][1]:
                cases.pop()
            if cases:
                kept.append(Switch(s.test, cases))
        else:
            # an assignment overrides the one directly before it
            if kept and isinstance(kept[-1], Assign) and kept[-1].target == s.target:
                kept.pop()
            kept.append(s)
    return kept


def is_flag(pattern: str) -> bool:
    """Return whether a pattern tests a single bit for 1."""
    return pattern.strip("-") == "1"


def matches(digits: str, pattern: str) -> bool:
    """Return whether digits match a pattern; a dash matches any digit."""
    return all(p in ("-", d) for d, p in zip(digits, pattern, strict=True))


def possible(patterns: tuple[str, ...], test: Spec) -> tuple[str, ...] | None:
    """Return the patterns that a test with constant bits can match; None if there is none.

    Constant bits are removed from the patterns of a priority switch only. The tuple is empty, which
    matches everything, if the tested bit is always set.
    """
    if not any("-" in p for p in patterns):
        return patterns
    digits = _digits(test)
    kept = []
    for pattern in patterns:
        if all("-" in (p, d) or p == d for p, d in zip(pattern, digits, strict=True)):
            bits = [p if d == "-" else "-" for p, d in zip(pattern, digits, strict=True)]
            kept.append("".join(bits))
    if any(not pattern.strip("-") for pattern in kept):
        return ()
    return tuple(kept) or None


def _digits(test: Spec) -> str:
    """Return the bits of a test, with a dash for each variable bit."""
    return "".join(
        f"{chunk.value:b}".zfill(chunk.width) if isinstance(chunk, Const) else "-" * chunk.width
        for chunk in reversed(test)
    )


def narrowed(test: Spec, cases: list[Case]) -> tuple[Spec, list[Case]]:
    """Return a switch on the variable bits of its test alone."""
    if not any(isinstance(chunk, Const) for chunk in test) or any(
        "-" in pattern for patterns, _ in cases for pattern in patterns
    ):
        return test, cases
    digits = _digits(test)
    kept: list[Case] = []
    for patterns, body in cases:
        fitting = [p for p in patterns if matches(p, digits)]
        if fitting or not patterns:
            bits = ("".join(p for p, d in zip(f, digits, strict=True) if d == "-") for f in fitting)
            kept.append((tuple(bits), body))
    rest = joined([chunk for chunk in test if isinstance(chunk, Bits)])
    if len({pattern for patterns, _ in kept for pattern in patterns}) == 1 << width_of(rest):
        # the cases are complete, so the last one needs no test
        kept[-1] = ((), kept[-1][1])
    return rest, kept


def condition_of(test: Spec, pattern: str) -> tuple[Spec, int]:
    """Return the bits that a pattern tests, and their required value."""
    if "-" not in pattern:
        return test, int(pattern, 2)
    stripped = pattern.strip("-")
    assert "-" not in stripped
    low = len(pattern) - len(pattern.rstrip("-"))
    return joined(list(cut(test, low, len(stripped)))), int(stripped, 2)


def choice(test: Spec, value: int, yes: Choices, no: Choices) -> Choices:
    """Return a multiplexer, or its value if both sides are equal."""
    return yes if yes == no else Choice(test, value, yes, no)


def is_constant(value: Choices, number: int) -> bool:
    """Return whether a value is the one-bit constant ``number``."""
    return isinstance(value, tuple) and width_of(value) == 1 and constant(value) == number


def value_width(value: Choices) -> int:
    """Return the width of a value [bits]."""
    return value_width(value.yes) if isinstance(value, Choice) else width_of(value)
