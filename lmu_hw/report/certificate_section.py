"""Section of a report: the certificate."""

from __future__ import annotations

from ..program.codec import to_data
from ..proof.certificate import load_certificate
from .command_sections import PLACE
from .report_source import ReportSource
from .section import Block, CommandLine, DataTable, Paragraph, Section

MOST_ROWS = 60
"""Most rows of a table; ``certificate.txt`` has all."""


def certificate_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section on the certificate."""
    proof = load_certificate(source.path)
    claims = proof.claims
    blocks: list[Block] = [
        Paragraph(
            text=f"Every claim holds for {proof.assumes}, and follows from `program.json` alone: "
            "the code that chose the formats is not asked. `certificate.txt` has all of it."
        ),
        CommandLine(purpose="Derive every claim again", command=f"lmu-hw certify {PLACE}"),
    ]
    blocks += [
        Paragraph(
            text=f"Zero input brings {' and '.join(f'`{n}`' for n in names.split())} to exactly "
            f"zero: {'proven' if decay.proven else 'not proven'} ({decay.reason})."
        )
        for names, decay in claims.decay.items()
    ]
    blocks.append(
        DataTable(
            caption="Accumulators: widths that hold every intermediate",
            head=("operation", "kind", "writes", "bits", "exact"),
            rows=tuple(
                (str(a.operation), a.kind, a.writes, str(a.bits), "yes" if a.exact else "NO")
                for a in claims.accumulators[:MOST_ROWS]
            ),
        )
    )
    if proof.c_sums:
        blocks.append(
            DataTable(
                caption="Sums in the C, and their types",
                head=("function", "variable", "type", "lowest", "highest"),
                rows=tuple(
                    (s.function, s.variable, s.ctype, f"{s.low:,}", f"{s.high:,}")
                    for s in proof.c_sums[:MOST_ROWS]
                ),
            )
        )
    widest = max((a.bits for a in claims.accumulators), default=0)
    return (
        Section(
            key="certificate",
            title="Certificate",
            lead=f"{proof.verdict} Accumulators are exact in {widest} bits.",
            blocks=tuple(blocks),
            data={
                "proven": proof.proven,
                "unproven": list(claims.unproven),
                "accumulator_bits": widest,
                "decay": to_data(claims.decay),
            },
        ),
    )
