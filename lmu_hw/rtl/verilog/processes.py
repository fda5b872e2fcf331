"""Statements of processes: put together, taken apart, and made into choices between values."""

from __future__ import annotations

from dataclasses import dataclass

from .rtlil import Assign, Bits, Case, Const, Spec, Statement, Switch
from .specs import constant, cut, joined, width_of


@dataclass(frozen=True, slots=True)
class Choice:
    """``yes`` where ``test`` equals ``value``, else ``no``."""

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
    """Return everything that statements read."""
    found: list[Spec] = []
    for s in statements:
        if isinstance(s, Assign):
            found.append(s.value)
        else:
            found.append(s.test)
            for _, body in s.cases:
                found += reads(body)
    return found


def retarget(statement: Statement, target: Bits) -> Statement:
    """Return a statement that drives ``target`` instead."""
    if isinstance(statement, Assign):
        if (statement.target.low, statement.target.width) != (0, target.width):
            raise NotImplementedError(f"a register is assigned in parts: {target.wire}")
        return Assign(target, statement.value)
    cases = [(p, [retarget(s, target) for s in body]) for p, body in statement.cases]
    return Switch(statement.test, cases)


def merge(into: list[Statement], statements: list[Statement]) -> None:
    """Add one register's statements to others', keeping their order and sharing equal switches."""
    position = 0
    for s in statements:
        if isinstance(s, Assign):
            place = next(
                (i for i, o in enumerate(into) if i >= position and isinstance(o, Switch)),
                len(into),
            )
            into.insert(place, s)
            position = place + 1
            continue
        for i in range(position, len(into)):
            other = into[i]
            if (
                isinstance(other, Switch)
                and other.test == s.test
                and [p for p, _ in other.cases] == [p for p, _ in s.cases]
            ):
                for (_, mine), (_, theirs) in zip(s.cases, other.cases, strict=True):
                    merge(theirs, mine)
                position = i + 1
                break
        else:
            into.append(Switch(s.test, [(p, _fresh(body)) for p, body in s.cases]))
            position = len(into)


def _fresh(statements: list[Statement]) -> list[Statement]:
    copy: list[Statement] = []
    merge(copy, statements)
    return copy


def without_empty(statements: list[Statement]) -> list[Statement]:
    """Return the statements without cases and switches that do nothing."""
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
            # of two assignments with nothing between them the last one counts
            if kept and isinstance(kept[-1], Assign) and kept[-1].target == s.target:
                kept.pop()
            kept.append(s)
    return kept


def is_flag(pattern: str) -> bool:
    """Return whether a pattern looks at one bit, which is to be set."""
    return pattern.strip("-") == "1"


def matches(digits: str, pattern: str) -> bool:
    """Return whether digits match a pattern, in which a dash matches any."""
    return all(p in ("-", d) for d, p in zip(digits, pattern, strict=True))


def possible(patterns: tuple[str, ...], test: Spec) -> tuple[str, ...] | None:
    """Return the patterns that a test with constant bits may match, None where there is none.

    Only a choice with priorities has those bits taken out; the tuple is empty for what is left of
    it when its flag is always set.
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
    """Return the bits of a test, a dash for each that is not constant."""
    return "".join(
        f"{chunk.value:b}".zfill(chunk.width) if isinstance(chunk, Const) else "-" * chunk.width
        for chunk in reversed(test)
    )


def narrowed(test: Spec, cases: list[Case]) -> tuple[Spec, list[Case]]:
    """Return a choice between values of the bits of its test that are not constant."""
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
        # nothing else is left for the last one
        kept[-1] = ((), kept[-1][1])
    return rest, kept


def condition_of(test: Spec, pattern: str) -> tuple[Spec, int]:
    """Return the bits that a pattern looks at and what they are to be."""
    if "-" not in pattern:
        return test, int(pattern, 2)
    stripped = pattern.strip("-")
    assert "-" not in stripped
    low = len(pattern) - len(pattern.rstrip("-"))
    return joined(list(cut(test, low, len(stripped)))), int(stripped, 2)


def choice(test: Spec, value: int, yes: Choices, no: Choices) -> Choices:
    """Return a choice, or its value where both are alike."""
    return yes if yes == no else Choice(test, value, yes, no)


def is_constant(value: Choices, number: int) -> bool:
    """Return whether a value is that one-bit constant."""
    return isinstance(value, tuple) and width_of(value) == 1 and constant(value) == number


def value_width(value: Choices) -> int:
    """Return the bits of a value."""
    return value_width(value.yes) if isinstance(value, Choice) else width_of(value)
