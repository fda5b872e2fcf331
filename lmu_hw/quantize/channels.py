"""Channels of a program: what its input and output words stand for, carried to a memory's outputs.

Words do not depend on them: they are added to a program that is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._support.channel import Channel, check_channels
from ..memory.spec import LMUSpec, OutputKind
from ..program.integer_program import Program, Role

Channels = tuple[Channel, ...] | None


def n_outputs(spec: LMUSpec) -> int:
    """Return the number of output words of a memory."""
    return spec.channels * (len(spec.taps) or spec.order)


def output_channels(spec: LMUSpec, inputs: Sequence[Channel]) -> Channels:
    """Return the channels of a memory's output words that follow from those of its inputs.

    Taps have the scale and offset of their input. So have Legendre coefficients, except that the
    offset, a constant, is in coefficient 0 alone. The names are numbered if an input has several
    words. The words of a state have none.
    """
    if spec.output is OutputKind.STATE:
        return None
    n = n_outputs(spec) // spec.channels
    taps = spec.output is OutputKind.TAPS
    return tuple(
        replace(
            channel,
            name=f"{channel.name}_{k}" if channel.name and n > 1 else channel.name,
            offset=channel.offset if taps or k == 0 else 0.0,
        )
        for channel in inputs
        for k in range(n)
    )


def with_channels(program: Program, inputs: Channels, outputs: Channels) -> Program:
    """Return a program with channels of its inputs and outputs; None: no channels.

    A label of a class or a count of spikes has no unit: it has none, and is not counted.

    Raises
    ------
    FormatError
        If there are not as many channels as words, or names occur twice.
    """
    counts = program.counts
    found: dict[str, Channels] = {}
    for role, channels in ((Role.INPUT, inputs), (Role.OUTPUT, outputs)):
        vectors = [v for v in program.with_role(role) if v.name not in counts]
        if channels is not None:
            check_channels(f"the {role.value}", channels, sum(v.length for v in vectors))
        at = 0
        for v in vectors:
            found[v.name] = None if channels is None else channels[at : at + v.length]
            at += v.length
    vectors = [replace(v, channels=found.get(v.name)) for v in program.vectors]
    return replace(program, vectors=tuple(vectors))
