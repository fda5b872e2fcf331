"""Layouts of ROM words, for the header of the Verilog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.lib import data

from .schedule import Kind, Schedule
from .section_fetch import SectionWord, section_layout
from .sequencer import layout

CONTROL = {
    "kind": "operation of the run",
    "cycles": "its cycles, less 2; 0 for one cycle",
    "single": "it has one cycle",
    "row": "row of its first word in the memory",
    "bank": "bank of its first word",
    "old": "the row is that of the half that this step reads",
    "new": "the row is that of the half that this step writes",
    "by_word": "each turn of the loop starts one word further",
    "across": "each cycle reads a whole row",
    "first": "its first word starts a sum",
    "last": "its last word ends a sum",
    "results": "lanes with a sum of their own, less 1",
    "align": "index of the products' left shift",
    "minus": "subtract the products",
    "dual_group": "alternate between two sums",
    "keep": "the words are bases of the sums",
    "group": "group of rows whose bases they are",
    "job": "index of the job; of a feed, of the memory that it goes to",
    "begin": "the job's first run",
    "loop": "last run of a loop",
    "head": "first run of a loop",
    "turns": "turns of the loop, less 2",
    "end": "last run of the step",
}
"""Meaning of the fields of a control word."""
SECTION = {
    "section": "kind of section",
    "outer_coef": "coefficient of the outer or the real adaptor",
    "outer_shift": "its right shift, less the least",
    "inner_coef": "coefficient of the inner adaptor",
    "inner_shift": "its right shift, less the least",
}
"""Meaning of the fields of a section word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RomField:
    """A field of a ROM word: its bits as in Verilog, its name and its meaning."""

    bits: str
    name: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RomLayout:
    """The fields of the words of a ROM, lowest bits first."""

    title: str
    fields: tuple[RomField, ...]


def rom_layouts(plan: Schedule, name: str) -> Iterator[RomLayout]:
    """Yield the layouts of the ROMs of a schedule whose words have fields."""
    fields = layout(plan)
    kinds = sorted({run.kind for listing in plan.listings for run in listing.runs})
    codes = {"kind": ", ".join(f"{kind.value} {Kind(kind).name}" for kind in kinds)}
    yield RomLayout(
        title=f"Control word ({name}_control.mem), {fields.size} bits:",
        fields=tuple(_fields(fields, CONTROL, codes)),
    )
    if plan.chains:
        fields = section_layout(plan)
        codes = {"section": ", ".join(f"{kind.value} {kind.name}" for kind in SectionWord)}
        yield RomLayout(
            title=f"Section word ({name}_sections.mem), {fields.size} bits:",
            fields=tuple(_fields(fields, SECTION, codes)),
        )


def _fields(
    layout_: data.StructLayout, abouts: dict[str, str], codes: dict[str, str]
) -> Iterator[RomField]:
    for name, field in layout_:
        if field.width:
            high, low = field.offset + field.width - 1, field.offset
            bits = f"[{high}:{low}]" if field.width > 1 else f"[{low}]"
            about = abouts[name] + (f": {codes[name]}" if name in codes else "")
            yield RomField(bits=bits, name=name, about=about)
