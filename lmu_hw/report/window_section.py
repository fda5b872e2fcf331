"""Section of a report: the window that a memory holds, decoded beside the true signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import BLUE, DASHES, GREEN, GRID, MUTED, ORANGE, page_style
from ..memory.delay_error import percent
from ..memory.float_memory import run_memory
from ..memory.legendre import decoder
from ..memory.spec import OutputKind
from .memory_run import WINDOWS, MemoryRun, memory_run, readout
from .plotting import canvas, picture, short
from .report_source import ReportSource
from .section import Paragraph, Picture, Section

DELAYS, INSTANTS = 240, 240
"""Most delays that are drawn, and instants that errors are averaged over."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DecodedWindow:
    """The past at some delays, of several instants.

    Attributes
    ----------
    delays : int array, shape (n_delays,)
        [samples].
    true, ideal : float array, shape (n_instants, n_delays)
        The input, and what the float64 memory decodes.
    built : float array, shape (n_instants, n_delays), or None
        What the integers decode; None where the outputs are not the coefficients.
    """

    delays: Array
    true: Array
    ideal: Array
    built: Array | None


def window_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the section on the window of a memory."""
    run = memory_run(source)
    if run is None:
        return ()
    spec = run.spec
    if len(run.u) < WINDOWS * spec.theta:
        text = (
            f"The window of {spec.theta:,.6g} samples is longer than the {len(run.u):,} steps that "
            "a report runs; `lmu-hw simulate` runs any recording."
        )
        return (
            Section(
                key="window",
                title="Window",
                lead="Too long to be drawn.",
                blocks=(Paragraph(text=text),),
            ),
        )
    decoded = decoded_window(run)
    with page_style():
        drawn = _window_picture(run, decoded)
    scale = float(np.sqrt(np.mean(decoded.true**2)))
    ideal = float(np.sqrt(np.mean((decoded.ideal - decoded.true) ** 2))) / scale
    lead = (
        f"The memory holds the last {spec.theta:,.6g} samples of a signal of up to "
        f"{run.bandwidth:.3g} cycles/sample ({run.bandwidth * spec.theta:.3g} of its shortest "
        f"periods) to {percent(ideal)} of its RMS"
    )
    data: dict[str, Any] = {
        "bandwidth": short(run.bandwidth),
        "nrmse_float": short(ideal),
        "delays": [int(k) for k in decoded.delays],
        "nrmse_float_by_delay": [short(x) for x in _by_delay(decoded.ideal, decoded.true, scale)],
    }
    if decoded.built is not None:
        built = float(np.sqrt(np.mean((decoded.built - decoded.true) ** 2))) / scale
        lead += f" in float64, {percent(built)} in the integers"
        data["nrmse_integers"] = short(built)
        data["nrmse_integers_by_delay"] = [
            short(x) for x in _by_delay(decoded.built, decoded.true, scale)
        ]
    blocks: list[Paragraph | Picture] = [drawn]
    if spec.lead:
        blocks.append(
            Paragraph(
                text=f"Delays are counted from the newest sample; {spec.discretizer.value} decodes "
                f"the fraction r of the window as a delay of r theta less {spec.lead:g} samples."
            )
        )
    return (
        Section(key="window", title="Window", lead=f"{lead}.", blocks=tuple(blocks), data=data),
    )


def decoded_window(run: MemoryRun) -> DecodedWindow:
    """Return what the first stream decodes at instants of a run from the first full window on."""
    spec, u = run.spec, run.u[:, :1]
    last = int(np.floor(spec.theta - spec.lead))
    delays = np.unique(np.round(np.linspace(0, last, min(last + 1, DELAYS))).astype(int))
    rows = decoder(spec.order, np.clip((delays + spec.lead) / spec.theta, 0.0, 1.0))
    first = int(np.ceil(spec.theta))
    at = np.unique(np.round(np.linspace(first, len(u) - 1, INSTANTS)).astype(int))
    if spec.output is OutputKind.MEMORY and run.wanted is not None:
        m = run.wanted[:, 0]
    else:
        m = run_memory(run.system, u)[:, 0]
    T = readout(run)
    return DecodedWindow(
        delays=delays,
        true=u[at[:, None] - delays[None, :], 0],
        ideal=m[at] @ rows.T,
        built=None if T is None else (run.output[at, 0] @ T.T) @ rows.T,
    )


def _by_delay(decoded: Array, true: Array, scale: float) -> Array:
    return np.asarray(np.sqrt(np.mean((decoded - true) ** 2, axis=0)) / scale)


def _window_picture(run: MemoryRun, window: DecodedWindow) -> Picture:
    spec, at = run.spec, len(window.true) - 1
    figure, axes = canvas(3.6, 1, 2)
    left, right = axes[0]
    left.plot(
        window.delays,
        window.true[at],
        color=GRID,
        ls="-",
        lw=6.0,
        solid_capstyle="round",
        label="true input",
    )
    left.plot(window.delays, window.ideal[at], color=BLUE, ls="-", lw=1.6, label="float64, decoded")
    if window.built is not None:
        left.plot(
            window.delays,
            window.built[at],
            color=ORANGE,
            ls=DASHES[1],
            lw=1.6,
            label="integers, decoded",
        )
    else:
        _draw_taps(run, left)
    low, high = left.get_ylim()
    left.set(
        title="one instant",
        xlabel="delay [samples]",
        ylabel="input",
        ylim=(low, high + 0.35 * (high - low)),
    )
    left.legend(loc="upper center", ncols=2)

    scale = float(np.sqrt(np.mean(window.true**2)))
    lines = [("float64", window.ideal, window.true, BLUE, 0)]
    if window.built is not None:
        lines += [
            ("integers", window.built, window.true, ORANGE, 1),
            ("integers \u2212 float64", window.built, window.ideal, GREEN, 2),
        ]
    for label, found, wanted, colour, dash in lines:
        share = 100.0 * _by_delay(found, wanted, scale)
        right.plot(
            window.delays, np.maximum(share, 1e-6), color=colour, ls=DASHES[dash], label=label
        )
    right.set(
        title="RMS error over many instants",
        xlabel="delay [samples]",
        ylabel="[% of the input's RMS]",
        yscale="log",
    )
    low, high = right.get_ylim()
    right.set_ylim(low, high * (high / low) ** 0.3)
    right.legend(loc="upper center", ncols=2)
    for ax in (left, right):
        ax.invert_xaxis()
    taps = ", and the taps of the program" if spec.output is OutputKind.TAPS else ""
    error = 100.0 * float(np.sqrt(np.mean((window.ideal - window.true) ** 2))) / scale
    return picture(
        "window",
        figure,
        alt="Left, the true input over the window and what the memory decodes at one instant"
        f"{taps}. Right, RMS error by delay: {error:.2g} % of the input's RMS in all, in float64.",
        caption="What the memory remembers: newest sample to the right. The error is that of the "
        "order d, largest at the ends of the window"
        + (
            "; the integers add what the dotted line shows."
            if window.built is not None
            else "; outputs are not the coefficients, so the integers decode no window."
        ),
    )


def _draw_taps(run: MemoryRun, ax: Any) -> None:
    spec = run.spec
    if spec.output is OutputKind.TAPS:
        delays = [tap * spec.theta - spec.lead for tap in spec.taps]
        ax.plot(
            delays,
            run.output[-1, 0],
            color=ORANGE,
            ls="none",
            marker="o",
            ms=6,
            label="integers, taps",
        )
    ax.axhline(0.0, color=MUTED, lw=0.6)
