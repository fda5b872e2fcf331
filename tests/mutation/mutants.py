"""Mutants: one fault in one place of one file."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.mutation.rules import C_RULES, V_RULES


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    design: str
    language: str
    file: str
    line: int
    rule: str
    before: str
    after: str
    text: str


def broken(design: str, language: str, file: str, text: str) -> Iterator[Mutant]:
    """Yield every mutant of a file that the rules know."""
    lines = text.split("\n")
    comment = False
    for number, line in enumerate(lines):
        code = line.split("//")[0] if language == "verilog" else line.split("/*")[0]
        inside, comment = comment, ("/*" in line or comment) and "*/" not in line
        if (
            inside
            or not code.strip()
            or "`" in code
            or re.match(r"\s*(\*|#include|localparam)", code)
        ):
            continue
        # what says how wide a thing is, or what it is called, breaks nothing that runs
        declares = re.match(r"\s*(input|output|wire|reg|module|\(\*)", code)
        if language == "verilog" and declares and " = " not in code:
            continue
        for rule in C_RULES if language == "c" else V_RULES:
            for found in re.finditer(rule.pattern, code):
                after = code[: found.start()] + found.expand(rule.by) + code[found.end() :]
                if after != code:
                    new = [*lines[:number], after + line[len(code) :], *lines[number + 1 :]]
                    yield Mutant(
                        design, language, file, number + 1, rule.name, code.strip(),
                        after.strip(), "\n".join(new),
                    )  # fmt: skip


def swapped(design: str, file: str, text: str) -> Iterator[Mutant]:
    """Yield every swap of two neighbours of a ROM."""
    lines = text.split("\n")
    words = [k for k, line in enumerate(lines) if line.split("//")[0].strip()]
    for a, b in pairwise(words):
        if lines[a].split("//")[0].strip() != lines[b].split("//")[0].strip():
            new = list(lines)
            new[a], new[b] = new[b], new[a]
            yield Mutant(
                design, "verilog", file, a + 1, "swapped words", lines[a], lines[b], "\n".join(new)
            )


def mutants(place: Path, name: str, language: str, n: int, seed: int) -> list[Mutant]:
    """Return some mutants of a design, as evenly over the rules as there are places."""
    build_dir = place / ("c" if language == "c" else "rtl")
    found: list[Mutant] = []
    if language == "c":
        for file in ("lmu.c", "lmu_tables.h"):
            found += broken(name, language, file, (build_dir / file).read_text())
    else:
        found += broken(name, language, "lmu.v", (build_dir / "lmu.v").read_text())
        for path in sorted(build_dir.glob("*.mem")):
            found += swapped(name, path.name, path.read_text())
    rng = random.Random(seed)
    by_rule: dict[str, list[Mutant]] = {}
    for mutant in found:
        by_rule.setdefault(mutant.rule, []).append(mutant)
    for group in by_rule.values():
        rng.shuffle(group)
    chosen: list[Mutant] = []
    while len(chosen) < min(n, len(found)):
        for group in by_rule.values():
            if group and len(chosen) < n:
                chosen.append(group.pop())
    return chosen
