"""Kit ``rust``: a ``no_std`` crate, a safe wrapper of the C without dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .c_library import check_name
from .kit import Files, Kit, KitDesign, KitTool, placed, render

if TYPE_CHECKING:
    from ..firmware.layout import Place


_WORDS = """
abstract alloc as async await become box core crate dyn fn gen impl in loop macro match mod move mut
override priv proc_macro pub self std test trait try unsafe unsized use where yield
"""
RESERVED = frozenset(_WORDS.split())
"""Names that a Rust crate cannot have, or that hide another."""


@dataclass(frozen=True, slots=True)
class RustField:
    """A field of the state in Rust.

    Attributes
    ----------
    name : str
    rust_type : str
        Such as ``[i32; 4]``.
    offset : int
        Of its first byte, where integers are aligned to their size; the C is compiled only if it
        has the same.
    about : str
        Name of the vector in C; empty for bytes between fields.
    """

    name: str
    rust_type: str
    offset: int
    about: str


def rust_type(ctype: str) -> str:
    """Return the Rust type of a C integer type.

    Examples
    --------
    >>> rust_type("int16_t"), rust_type("uint32_t")
    ('i16', 'u32')
    """
    return ctype.removesuffix("_t").replace("uint", "u").replace("int", "i")


def state_fields(design: KitDesign) -> tuple[list[RustField], int]:
    """Return the fields of the state with all gaps between them, and its size in bytes."""
    from ..firmware.layout import ALIGNMENT, lay_out
    from ..program.integer_program import Role

    fields: list[RustField] = []
    end, widest = 0, 1
    for place in lay_out(design.program, design.name).with_role(Role.STATE):
        n_bytes, length = place.bits // 8, place.vector.length
        align = max(n_bytes, ALIGNMENT if place.aligned else 1)
        widest = max(widest, align)
        if gap := -end % align:
            fields.append(RustField(f"gap_{end}", f"[u8; {gap}]", end, ""))
            end += gap
        kind = f"[{rust_type(place.ctype)}; {length}]"
        fields.append(RustField(f"v_{place.vector.name}", kind, end, place.vector.name))
        end += n_bytes * length
    if gap := -end % widest:
        fields.append(RustField(f"gap_{end}", f"[u8; {gap}]", end, ""))
    return fields, end + gap


def _files(design: KitDesign) -> Files:
    from ..firmware import source_files
    from ..firmware.layout import ALIGNMENT, lay_out
    from ..program import saved_state
    from ..program.integer_program import Role

    check_name(design, "rust", RESERVED, "Rust")
    program, layout = design.program, lay_out(design.program, design.name)
    fields, size = state_fields(design)
    context = {
        "fields": fields,
        "size": size,
        # arrays of words alone would give it the alignment of a word
        "align": ALIGNMENT if any(p.aligned for p in layout.with_role(Role.STATE)) else None,
        "in_type": rust_type(layout.in_type),
        "out_type": rust_type(layout.out_type),
        "n_in": program.n_words(Role.INPUT),
        "n_out": program.n_words(Role.OUTPUT),
        "inputs": layout.with_role(Role.INPUT),
        "outputs": layout.with_role(Role.OUTPUT),
        "states": layout.with_role(Role.STATE),
        "formats": _formats,
        "saved": _saved,
        "header_bytes": saved_state.HEADER_BYTES,
        "saved_bytes": saved_state.n_bytes(program),
        "sources": source_files(design.name),
        "version": design.version,
    }
    templates = {
        "README.md": "README.md.j2",
        "Cargo.toml": "Cargo.toml.j2",
        "build.rs": "build.rs.j2",
        "src/lib.rs": "lib.rs.j2",
        f"csrc/{design.name}_layout.c": "layout.c.j2",
        "tests/vectors.rs": "vectors.rs.j2",
    }
    return {
        **{name: render(f"rust/{file}", design, **context) for name, file in templates.items()},
        **placed("csrc", {name: design.c[name] for name in source_files(design.name)}),
        **placed("vectors", design.vectors),
    }


def _formats(places: list[Place]) -> str:
    """Return bits, sign and length of each vector as Rust tuples."""
    vectors = [place.vector for place in places]
    rows = [(v.fmt.width, str(v.fmt.signed).lower(), v.length) for v in vectors]
    return ", ".join(f"({bits}, {signed}, {n})" for bits, signed, n in rows)


def _saved(places: list[Place]) -> str:
    """Return bits, saved bytes and length of each vector as Rust tuples."""
    return ", ".join(f"({p.vector.fmt.width}, {p.word_bytes}, {p.vector.length})" for p in places)


RUST = Kit(
    name="rust",
    summary="no_std crate without dependencies: a safe wrapper that owns its state",
    tested="cargo 1.65 (rustc 1.63) and 1.95: build, tests on the vectors, clippy, documentation",
    not_run="on a microcontroller",
    files=_files,
    tools=(KitTool(name="cargo", command="cargo", remedy="rustup, or apt-get install cargo"),),
)
