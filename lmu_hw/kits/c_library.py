"""What the kits that build the C have in common: sources, test vectors in C, a check of names."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import SpecError
from .kit import Files, KitDesign, placed, render
from .vector_words import words_of

_PUBLIC = (".h", ".hpp", "_units.h")


def public_headers(design: KitDesign) -> dict[str, str]:
    """Return the headers that a program with the design includes, by name."""
    return {f"{design.name}{end}": design.c[f"{design.name}{end}"] for end in _PUBLIC}


def private_sources(design: KitDesign) -> dict[str, str]:
    """Return the C file and the headers that it alone includes, by name."""
    from ..firmware import source_files

    needed = set(source_files(design.name)) - set(public_headers(design))
    return {name: design.c[name] for name in sorted(needed)}


def all_sources(design: KitDesign) -> dict[str, str]:
    """Return the C file and all headers, by name."""
    return {**private_sources(design), **public_headers(design)}


def library_files(design: KitDesign) -> Files:
    """Return the files of a library: ``include``, ``src``, and a ``test`` on the vectors."""
    test = f"test_{design.name}.c"
    return {
        **placed("include", public_headers(design)),
        **placed("src", private_sources(design)),
        f"test/{test}": design.c[test],
        **placed("test/vectors", design.vectors),
    }


def example_programs(design: KitDesign) -> Files:
    """Return a C and a C++ program that compare the library's words with vectors in a header."""
    return {
        "main.c": render("c_library/main.c.j2", design, P=design.name.upper()),
        "main.cpp": render("c_library/main.cpp.j2", design, P=design.name.upper()),
        f"{design.name}_vectors.h": vectors_header(design),
    }


def vectors_header(design: KitDesign) -> str:
    """Return ``NAME_vectors.h``: inputs, due outputs and the last state as C constants.

    For programs without files. The state is as `NAME_save` gives it.
    """
    from ..program.integer_program import Role

    inputs, outputs, (state,) = (
        words_of(design, role) for role in (Role.INPUT, Role.OUTPUT, Role.STATE)
    )
    return render(
        "c_library/vectors.h.j2",
        design,
        P=design.name.upper(),
        inputs=inputs,
        # C has no array without elements
        outputs=outputs or [[0] * design.program.n_words(Role.OUTPUT)],
        n_outputs=len(outputs),
        saved=_saved(design, state),
    )


def check_name(design: KitDesign, kit: str, reserved: Collection[str], by: str) -> None:
    """Refuse the name of a design that a tool reserves.

    Raises
    ------
    SpecError
        If it does.
    """
    if design.name in reserved:
        raise SpecError(
            f"the {kit} kit needs another --name, because {design.name} is reserved by {by}"
        )


def release(version: str) -> str:
    """Return a version as three numbers, as build systems want it.

    Examples
    --------
    >>> release("1.2.3"), release("1.2.3.dev4"), release("test")
    ('1.2.3', '1.2.3', '0.0.0')
    """
    found = re.match(r"\d+\.\d+\.\d+", version)
    return found.group() if found else "0.0.0"


def _saved(design: KitDesign, state: list[int]) -> list[int]:
    """Return the bytes of a saved state."""
    import numpy as np

    from ..program import saved_state

    rows = saved_state.to_bytes(design.program, np.array([state], dtype=np.int64))
    return [int(byte) for byte in rows[0]]
