"""The report on all mutants."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.mutation.mutants import Mutant


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
