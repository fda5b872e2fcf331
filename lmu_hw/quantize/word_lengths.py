"""Word lengths of a network's program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._support.validation import check_int

WORD_BITS = 16
"""Width of words that gain nothing from being narrower: memory inputs, gates, cell states."""
MAX_STATE_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Word lengths of a network's program [bits].

    Parameters
    ----------
    weight_bits : int
        Width of weights, 2 to 16; each row has its own scale.
    layer_weight_bits : tuple of int
        Width of weights for each layer of the network; empty: ``weight_bits`` for all layers.
    act_bits : int
        Width of layer outputs, 4 to 16.
    coef_bits : int
        Width of memory coefficients, 4 to 24.
    state_bits : int, optional
        Width of memory states, 8 to 32. Default: the smallest width that keeps roundoff below half
        an LSB of the words that readers see.
    input_bits : int
        Width of the network's input, 4 to 16.

    Raises
    ------
    SpecError
        If a width is out of range.
    """

    weight_bits: int = 8
    layer_weight_bits: tuple[int, ...] = ()
    act_bits: int = 16
    coef_bits: int = 16
    state_bits: int | None = None
    input_bits: int = 16

    def __post_init__(self) -> None:
        limits = {
            "weight_bits": (2, WORD_BITS),
            "act_bits": (4, WORD_BITS),
            "coef_bits": (4, 24),
            "input_bits": (4, WORD_BITS),
        }
        for name, (low, high) in limits.items():
            check_int(name, getattr(self, name), low, high)
        if self.state_bits is not None:
            check_int("state_bits", self.state_bits, 8, MAX_STATE_BITS)
        for bits in self.layer_weight_bits:
            check_int("weight_bits", bits, 2, WORD_BITS)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Widths:
        """Return word lengths from fields as JSON has them."""
        return cls(**{**data, "layer_weight_bits": tuple(data.get("layer_weight_bits", ()))})

    def weights_of(self, place: int) -> int:
        """Return the weight width of a layer; layers count from 1."""
        return self.layer_weight_bits[place - 1] if self.layer_weight_bits else self.weight_bits

    @property
    def weights_text(self) -> str:
        """Widths of the weights as ``--weight-bits`` takes them: ``8``, or ``4,6,8`` by layer."""
        return ",".join(map(str, self.layer_weight_bits)) or str(self.weight_bits)
