"""The directive ``program-semantics``: the normative text, the docstring of the integer program."""

from __future__ import annotations

import inspect
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from lmu_hw.program import integer_program


class ProgramSemantics(SphinxDirective):
    """Show the module's docstring, without the module's members."""

    def run(self) -> list[nodes.Node]:
        """Return the paragraphs."""
        text = inspect.cleandoc(integer_program.__doc__ or "")
        self.env.note_dependency(inspect.getfile(integer_program))
        container = nodes.container()
        lines = StringList(text.splitlines(), source=integer_program.__name__)
        self.state.nested_parse(lines, 0, container)
        return list(container.children)


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("program-semantics", ProgramSemantics)
    return {"parallel_read_safe": True}
