"""Section of a report: impulse responses of a memory, in float64 and in integers."""

from __future__ import annotations

import math

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import DASHES, SERIES, page_style
from ..manifest import MemoryManifest
from ..program.integer_program import Role
from .memory_run import MULTIPLIES, MemoryRun, by_channel, float_outputs, memory_run, run_words
from .plotting import canvas, picture, short, thinned
from .report_source import ReportSource
from .section import Paragraph, Picture, Section

MIN_STEPS, MAX_STEPS = 512, 16384
"""Length of a response."""
WINDOWS = 4.0
"""Length of the response in which zeros are looked for [theta]."""
SHOWN = 1.5
"""Length of the response that is drawn [theta]."""


def impulse_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section on the impulse responses of a memory."""
    design, run = source.manifest.design, memory_run(source)
    if run is None or not isinstance(design, MemoryManifest) or design.neurons is not None:
        # neurons that fire now and then have no impulse response
        return ()
    spec, program = run.spec, source.program
    fmt = program.with_role(Role.INPUT)[0].fmt
    most = max(64, MULTIPLIES // max(1, 4 * program.multiplies_per_step))
    n = min(max(MIN_STEPS, math.ceil(WINDOWS * spec.theta) + 1), MAX_STEPS, most)
    words = np.zeros((n, 1, spec.channels), dtype=np.int64)
    words[0] = fmt.max
    built = by_channel(program, spec, run_words(source, words))[:, 0]
    u = np.asarray(words[:, 0, :1] * fmt.lsb, dtype=np.float64)
    wanted = float_outputs(spec, run.system, run.prediction, u)
    if wanted is None:
        return ()
    ideal = wanted[:, 0]
    error = (built - ideal) / run.lsb
    nonzero = np.flatnonzero(np.any(built != 0.0, axis=1))
    last = int(nonzero[-1]) + 1 if len(nonzero) else 0
    chosen = _chosen(len(run.names))
    shown = min(n, math.ceil(SHOWN * spec.theta) + 1)
    with page_style():
        drawn = _impulse_picture(run, chosen, ideal[:shown], built[:shown])
    largest = float(np.max(np.abs(error)))
    lead = (
        f"One sample of full scale, then zeros: the integers stay within {largest:,.2f} LSB of the "
        "float64 response"
    )
    lead += f", and are exactly zero from step {last:,} on." if last < n else "."
    blocks: list[Paragraph | Picture] = [drawn]
    if design.zero_input_decay == "proven":
        blocks.append(
            Paragraph(
                text="That zero input brings every state to exactly zero is proven: after a window "
                "of zeros the recursion rounds toward zero, and can only lose energy."
            )
        )
    return (
        Section(
            key="impulse",
            title="Impulse response",
            lead=lead,
            blocks=tuple(blocks),
            data={
                "steps": n,
                "amplitude": short(fmt.max * fmt.lsb),
                "largest_error_lsb": short(largest),
                "zero_from_step": last if last < n else None,
                "zero_input_decay": design.zero_input_decay,
            },
        ),
    )


def _chosen(n: int) -> tuple[int, ...]:
    """Return a few output words: the first ones, which are slow, and the last."""
    return tuple(dict.fromkeys(k for k in (0, 1, 2, n - 1) if k < n))


def _impulse_picture(
    run: MemoryRun, chosen: tuple[int, ...], ideal: Array, built: Array
) -> Picture:
    figure, axes = canvas(4.4, 2, 1, sharex=True, height_ratios=[2, 1])
    above, below = axes[:, 0]
    steps = np.arange(len(ideal), dtype=np.float64)
    for k, word in enumerate(chosen):
        t, smooth, integers = thinned(steps, ideal[:, word], built[:, word])
        colour, dash = SERIES[k], DASHES[k]
        above.plot(t, smooth, color=colour, lw=4.5, alpha=0.3)
        above.plot(t, integers, color=colour, ls=dash, lw=1.2, label=run.names[word])
        below.plot(t, (integers - smooth) / run.lsb[word], color=colour, ls=dash, lw=0.9)
    above.set(ylabel="output", xlim=(0, len(ideal) - 1))
    above.plot([], [], color=SERIES[0], lw=4.5, alpha=0.3, label="float64 (wide lines)")
    above.legend(loc="upper right", ncols=len(chosen) + 1)
    low, high = above.get_ylim()
    above.set_ylim(low, high + 0.2 * (high - low))
    below.set(ylabel="integers \u2212 float64\n[LSB]", xlabel="step")
    names = ", ".join(run.names[word] for word in chosen)
    return picture(
        "impulse",
        figure,
        alt=f"Impulse responses of {names} over {len(ideal):,} steps, in float64 and in integers, "
        "which lie on each other; below, their difference in LSB.",
        caption=f"Responses of {names} to one sample of full scale at step 0: float64 wide and "
        "pale, integers thin. Below, what differs.",
    )
