"""Merging of identical modules, such as the lanes."""

from __future__ import annotations

from .rtlil import Module


def shared(modules: list[Module]) -> list[Module]:
    """Return the modules without duplicates of an earlier one.

    Parameters
    ----------
    modules : list of Module
        Their cells are renamed to the module that is kept.
    """
    names: dict[str, str] = {}
    first: dict[str, str] = {}
    for module in children_first(modules):
        for cell in module.cells:
            cell.kind = names.get(cell.kind, cell.kind)
        body = repr((module.wires, module.cells, module.processes, module.connects))
        names[module.name] = first.setdefault(body, module.name)
    return [module for module in modules if names[module.name] == module.name]


def children_first(modules: list[Module]) -> list[Module]:
    """Return the modules in an order in which each comes after those it instantiates."""
    by_name = {module.name: module for module in modules}
    order: dict[str, Module] = {}

    def visit(module: Module) -> None:
        for cell in module.cells:
            if cell.kind in by_name:
                visit(by_name[cell.kind])
        order.setdefault(module.name, module)

    for module in modules:
        visit(module)
    return list(order.values())
