"""Mutation testing of our own benches: `make mutation`.

One small thing at a time is broken in the emitted C or Verilog: a shift, a rounding constant, a
sign, an index, a limit, a reset, a handshake, a word of a table. A mutant is killed if the folder's
own bench fails, or what is deeper fails: `lmu-hw verify`. One that survives is shown to be
equivalent (C: the same machine code, or a limit that the certificate proves is never reached) or
stands in the report by name.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from lmu_hw import vectors
from lmu_hw.certificate import certificate
from lmu_hw.generate import files_of
from lmu_hw.hardware import Hardware
from lmu_hw.program import Program
from lmu_hw.quantize import quantize
from lmu_hw.spec import parse
from lmu_hw.worst_case import worst_case

STEPS = 300
"""Steps of random stimulus in the folder's bench, before the worst cases."""
DEEP_STEPS = {"c": 20_000, "cxxrtl": 2_000}
SECONDS = 60
"""A mutant that takes longer hangs, and is killed."""
DESIGNS = {
    "cascade": {"d": 5, "theta": 20, "realization": "cascade"},
    "channels": {"d": 4, "theta": 15, "channels": 2, "output": "state", "realization": "cascade"},
    "dense": {"d": 3},
}
SHARES = {"cascade": 0.5, "channels": 0.25, "dense": 0.25}

WIDER = "dropped saturation"
"""A limit is moved outward; of a signal that is proven never to reach it, nothing changes."""


@dataclass(frozen=True)
class Rule:
    """A kind of fault: what is replaced by what."""

    name: str
    pattern: str
    by: str


def _table(name: str) -> Rule:
    # the two words of a pair must differ, or nothing is broken
    return Rule(name, r"(-?\b\d+), +(-?\b(?!\1\b)\d+)", r"\2, \1")


C_RULES = (
    Rule("sign", r"(?<=\w) \+ (?=\w)", " - "),
    Rule("sign", r"(?<=\w) - (?=\w)", " + "),
    Rule("shift", r">> (\w+)", r">> (\1 - 1)"),
    Rule("shift", r"<< (\w+)", r"<< (\1 + 1)"),
    Rule("scale", r"\* 2;", "* 4;"),
    Rule("scale", r"\* 4;", "* 2;"),
    Rule("rounding", r", 32, 0, silent", ", 32, 0, 0"),
    Rule("rounding", r", silent\)", ", !silent)"),
    Rule("port", r", 32, 1, ", ", 32, 0, "),
    Rule(WIDER, r"(\w+_(?:MIN|MAX)) (\(?-?\d+)", r"\1 \g<2>7"),
    Rule("limit", r"(\w+)_MIN, (\w+)_MAX\)", r"\1_MAX, \2_MAX)"),
    Rule("window", r"(_WINDOW) (\d+)", r"\1 (\2 + 1)"),
    Rule("window", r"(_WINDOW) (\d+)", r"\1 (\2 - 1)"),
    Rule("loop", r"= 0; (\w+) < (\w+);", r"= 1; \1 < \2;"),
    Rule("loop", r"= 0; (\w+) < (\w+);", r"= 0; \1 + 1 < \2;"),
    Rule("index", r"\[(\w+) \+ (\w+)\]", r"[\1]"),
    Rule("index", r"\[0\]", "[1]"),
    Rule("pointer", r"\*(\w+)\+\+", r"*\1"),
    Rule("pointer", r"(\w+)\+\+,", r"\1,"),
    Rule("comparison", r"==", "!="),
    Rule("branch", r", 1\);", ", 0);"),
    Rule("branch", r", 0\);", ", 1);"),
    Rule("reset", r"^ +memset\(.*$", "    (void)s;"),
    Rule("lost write", r"^( +)\*?\w+(?:\[\w+\])* = f;$", r"\1;"),
    Rule("lost call", r"^( +)lmu_(?:linear|cascade|dense|copy)\w*\(s.*;$", r"\1;"),
    _table("swapped words"),
)
V_RULES = (
    Rule("sign", r"(?<=[\w)\]}]) \+ (?=[\w$({])", " - "),
    Rule("sign", r"(?<=[\w)\]}]) - (?=[\w$({])", " + "),
    Rule("shift", r">>> (\d+)", r">>> (\1 + 1)"),
    Rule("and, or", r" && ", " || "),
    Rule("and, or", r" \|\| ", " && "),
    Rule("and, or", r"(?<=\w) & (?=\w)", " | "),
    Rule("not", r"!(\w+)", r"\1"),
    Rule("not", r"~(\w+)", r"\1"),
    Rule("comparison", r" == ", " != "),
    Rule("comparison", r" < ", " >= "),
    Rule("stale state", r"^( +\w+ <= )1'd0;$", r"\g<1>1'd1;"),
    Rule("stale state", r"^( +)(\w+) <= \d+'d0;$", r"\1;"),
    Rule("constant", r"(\d+)'d0\b", r"\1'd1"),
    Rule("constant", r"(\d+)'d1\b", r"\1'd0"),
    Rule("constant", r"(\d+)'d([2-9])\b", r"\1'd1"),
    Rule("lost write", r"^( +)\w+ <= \w+;$", r"\1;"),
    Rule("lost stall", r"(\.o__ready|\.ready|\.i__valid|\.valid)\(\w+\)", r"\1(1'd1)"),
    Rule("index", r"\[[1-9]\d*\]", "[0]"),
    Rule("choice", r" \? (\w+) : (\w+)", r" ? \2 : \1"),
    Rule("sign bit", r"\$signed\((\w+)\)", r"\1"),
)


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


def prepare(place: Path, name: str) -> Program:
    """Write the folder of a design, with vectors that are worth playing."""
    design = quantize(parse(DESIGNS[name]))
    for file, content in files_of(design, Hardware()).items():
        path = place / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    inputs = vectors.stimulus(design.program, STEPS, 1, 1)[:, 0]
    inputs = np.concatenate([inputs, worst_case(design.program).inputs])
    expected = vectors.expect(design.program, inputs)
    for file, content in vectors.to_files(design.program, expected).items():
        (place / "vectors" / file).write_text(content)
    return design.program


def mutants(place: Path, name: str, language: str, n: int, seed: int) -> list[Mutant]:
    """Return some mutants of a design, as evenly over the rules as there are places."""
    folder = place / ("c" if language == "c" else "rtl")
    found: list[Mutant] = []
    if language == "c":
        found += broken(name, language, "lmu.c", (folder / "lmu.c").read_text())
    else:
        found += broken(name, language, "lmu.v", (folder / "lmu.v").read_text())
        for path in sorted(folder.glob("*.mem")):
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


def run(command: list[str], place: Path) -> int | None:
    """Return the exit code of a command, None where it hangs."""
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


def judge(sources: dict[str, Path], mutant: Mutant) -> str:
    """Return what became of a mutant: killed (by what), equivalent, no program, or survived."""
    with tempfile.TemporaryDirectory(prefix="lmu_hw_mutant_") as name:
        place = Path(shutil.copytree(sources[mutant.design], Path(name) / "out"))
        folder = place / ("c" if mutant.language == "c" else "rtl")
        original = folder / f"original_{mutant.file}"
        shutil.copy(folder / mutant.file, original)
        (folder / mutant.file).write_text(mutant.text)
        return (
            _c(place, folder, original, mutant)
            if mutant.language == "c"
            else _verilog(place, folder, original)
        )


def _c(place: Path, folder: Path, original: Path, mutant: Mutant) -> str:
    build = ["cc", "-std=c99", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    if run([*build, "-w", "-o", "bench", "test_lmu.c", "lmu.c"], folder):
        return "no program"
    if run(["./bench", "../vectors"], folder) != 0:
        return "killed by its bench"
    shutil.copy(original, folder / "was.c")
    for source in ("lmu.c", "was.c"):
        run(["cc", "-std=c99", "-O2", "-w", "-S", "-o", f"{source}.s", source], folder)
    texts = [
        re.sub(r"\.file.*|\.ident.*", "", (folder / f"{s}.s").read_text())
        for s in ("lmu.c", "was.c")
    ]
    if texts[0] == texts[1]:
        return "equivalent"
    original.unlink()
    if mutant.rule == WIDER and _never_reached(place, mutant.before):
        return "equivalent"
    return _deep(place, "c")


def _never_reached(place: Path, code: str) -> bool:
    """Return whether the certificate proves that a signal stays within this limit."""
    claims = certificate((place / "program.json").read_text(), None)["signals"]
    found = re.match(r"#define LMU_(\w+)_(?:MIN|MAX)", code)
    name = found[1].lower() if found else ""
    claim = claims.get("chain of z_inner" if name == "cascade_w" else name)
    return claim is not None and claim["basis"] == "l1 norm" and claim["role"] != "output"


def _verilog(place: Path, folder: Path, original: Path) -> str:
    build = ["iverilog", "-g2005", "-s", "tb_lmu", "-o", "bench.vvp", "tb_lmu.v", "lmu.v"]
    if run(build, folder):
        return "no program"
    done = None
    try:
        done = subprocess.run(
            ["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return "killed by its bench"
    if not re.search(rb"^PASS", done.stdout, re.MULTILINE):
        return "killed by its bench"
    original.unlink()
    return _deep(place, "cxxrtl")


def _deep(place: Path, executor: str) -> str:
    steps = str(DEEP_STEPS[executor])
    command = [sys.executable, "-m", "lmu_hw", "verify", str(place), "--executors", executor]
    try:
        done = subprocess.run([*command, "--steps", steps, "-q"], capture_output=True, timeout=240)
    except subprocess.TimeoutExpired:
        return "killed by verify"
    return "survived" if done.returncode == 0 else "killed by verify"


def main() -> int:
    """Break designs, and write what became of them."""
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--c", type=int, default=180, help="mutants of C")
    args.add_argument("--verilog", type=int, default=140, help="mutants of Verilog")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--jobs", type=int, default=2)
    args.add_argument("--out", type=Path, default=Path("build/mutation.json"))
    options = args.parse_args()
    with tempfile.TemporaryDirectory(prefix="lmu_hw_mutation_") as name:
        sources = {design: Path(name) / design for design in DESIGNS}
        chosen: list[Mutant] = []
        for design, place in sources.items():
            prepare(place, design)
            for language, n in (("c", options.c), ("verilog", options.verilog)):
                share = round(n * SHARES[design])
                chosen += mutants(place, design, language, share, options.seed)
        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = []
            for k, verdict in enumerate(pool.map(partial(judge, sources), chosen), 1):
                verdicts.append(verdict)
                print(f"{k}/{len(chosen)} {verdict}", file=sys.stderr, flush=True)
                if k % 20 == 0 or k == len(chosen):
                    write(options.out, chosen, verdicts)
    print(summary(chosen, verdicts))
    return 0


def write(path: Path, chosen: list[Mutant], verdicts: list[str]) -> None:
    """Write what is known so far."""
    rows = []
    for mutant, verdict in zip(chosen, verdicts, strict=False):
        row = asdict(mutant)
        del row["text"]
        rows.append({**row, "verdict": verdict})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")


def summary(chosen: list[Mutant], verdicts: list[str]) -> str:
    """Return counts by language and rule, and every survivor."""
    lines = [
        "| language | fault | mutants | killed | equivalent | survived |",
        "|---|---|---|---|---|---|",
    ]
    counted = [(m, v) for m, v in zip(chosen, verdicts, strict=False) if v != "no program"]
    for key in sorted({(m.language, m.rule) for m, _ in counted}):
        group = [v for m, v in counted if (m.language, m.rule) == key]
        killed, equal = sum(v.startswith("killed") for v in group), group.count("equivalent")
        counts = f"{len(group)} | {killed} | {equal} | {group.count('survived')}"
        lines.append(f"| {key[0]} | {key[1]} | {counts} |")
    killed = sum(v.startswith("killed") for _, v in counted)
    alive = [m for m, v in counted if v == "survived"]
    share = 100 * killed / max(1, killed + len(alive))
    lines += ["", f"{killed} of {killed + len(alive)} killed ({share:.1f} %)", ""]
    lines += [
        f"- {m.design} {m.file}:{m.line} ({m.rule}): `{m.before}` -> `{m.after}`" for m in alive
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
