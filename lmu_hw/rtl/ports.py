"""Ports that are registers of data, which nothing resets."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal, Value


def keep_on_reset(owner: Any, *names: str) -> None:
    """Make outputs data: what they hold before something was written to them does not matter.

    Control is reset, data is not; a register without a reset has no initial value in Verilog, so
    that a simulator shows as X whatever depends on it too early.

    Parameters
    ----------
    owner : wiring.Component or interface
        Before its `elaborate`.
    names : str
        Of outputs, or of arrays of them.
    """
    for name in names:
        port = getattr(owner, name)
        if isinstance(port, list):
            setattr(owner, name, [_without_reset(p) for p in port])
        else:
            setattr(owner, name, _without_reset(port))


def _without_reset(port: Any) -> Any:
    return Signal(port.shape(), name=Value.cast(port).name, reset_less=True)
