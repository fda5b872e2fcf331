"""Output registers without a reset."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal, Value


def keep_on_reset(owner: Any, *names: str) -> None:
    """Remove the reset of output registers that hold data.

    Only control registers are reset. Data registers have no initial value in Verilog, so a
    simulator shows X if anything depends on them before they are written.

    Parameters
    ----------
    owner : wiring.Component or interface
        Owner of the outputs, not yet elaborated.
    names : str
        Names of outputs, or of arrays of outputs.
    """
    for name in names:
        port = getattr(owner, name)
        if isinstance(port, list):
            setattr(owner, name, [_without_reset(p) for p in port])
        else:
            setattr(owner, name, _without_reset(port))


def _without_reset(port: Any) -> Any:
    return Signal(port.shape(), name=Value.cast(port).name, reset_less=True)
