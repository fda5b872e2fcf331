"""Proofs of reset: afterwards nothing depends on what was before."""

from __future__ import annotations

from amaranth.hdl import Assume, Module, ResetSignal, Signal

from tests.formal.prover import Design, Harness, Port


class Forgets(Harness):
    """Two cores with different pasts say the same after one cycle of reset.

    Their registers and memories hold anything at first; from then on they hear the same. What they
    say is which words they take, whether they offer one, and which.
    """

    def __init__(self, design: Design, *, words: bool) -> None:
        super().__init__(design)
        self.words = words

    def check(self, m: Module) -> None:
        twin = {
            name: port
            if port.is_input
            else Port(False, Signal.like(port.signal, name=f"twin_{name}"))
            for name, port in self.ports.items()
        }
        m.submodules.twin = self.instance(twin)
        m.d.comb += Assume(~self.started | ~ResetSignal())
        if self.words:
            m.d.comb += Assume(self["i_valid"] & self["o_ready"])
        for name, port in self.ports.items():
            if not port.is_input:
                one, other = port.signal, twin[name].signal
                stream, _, part = name.rpartition("_")
                if part == "data" and not self.words:
                    continue
                offered = 1 if part in ("valid", "ready") else self[f"{stream}_valid"]
                self.claim(m, one == other, when=offered)
