"""Sections of a report: spikes of a memory on neurons, and its error against their number."""

from __future__ import annotations

from .._support.svg_pictures import page_style
from ..manifest import MemoryManifest
from ..memory.delay_error import percent
from ..memory.neurons import NeuronModel
from ..program.codec import to_data
from ..quantize.memory_design import NeuronSummary
from ..quantize.neuron_noise import RMS
from .command_sections import PLACE
from .plotting import picture
from .report_source import ReportSource
from .section import CommandLine, DataTable, Section
from .spiking_pictures import draw_raster, draw_rates, draw_sizes, raster_steps
from .spiking_run import SpikingRun, run_spiking

MODELS = {
    NeuronModel.INTEGRATE_FIRE: "integrate-and-fire",
    NeuronModel.POISSON: "Poisson",
}


def spiking_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the sections on spikes of a memory on neurons."""
    design = source.manifest.design
    if not isinstance(design, MemoryManifest) or design.neurons is None:
        return ()
    run = run_spiking(design, source.program)
    with page_style():
        return (
            _spikes(run, design.neurons, design.spec.theta),
            _neurons(run, design.neurons),
        )


def _spikes(run: SpikingRun, neurons: NeuronSummary, theta: float) -> Section:
    channels, states, signs, population = run.shape
    first, end = raster_steps(run, theta)
    per_neuron = run.mean_spikes / neurons.neurons
    lead = (
        f"{neurons.neurons:,} {MODELS[neurons.model]} neurons for each channel, {population:,} for "
        f"either sign of each of {states} states. They send {_short(run.mean_spikes)} spikes a "
        f"step, {_short(neurons.spikes_per_step)} predicted: a neuron fires every "
        f"{_short(1.0 / per_neuron) if per_neuron else 'infinitely many'} steps on average."
    )
    rates = run.rates
    raster = picture(
        "raster",
        draw_raster(run, theta),
        alt=f"Raster of steps {first} to {end - 1}: {int((run.time >= first).sum()):,} spikes of "
        f"{states * signs * population:,} neurons"
        + (f" of the first of {channels} channels" if channels > 1 else "")
        + ".",
        caption="Which neuron fires when, above, and spikes of all neurons in each step, below. "
        "In the band of a state the lower half sends positive quanta and the upper half negative "
        f"ones. Input: flat noise of RMS {RMS:g} up to {neurons.bandwidth:.3g} cycles a sample.",
    )
    bars = picture(
        "rates",
        draw_rates(run),
        alt="Mean spikes of a step by state, positive and negative: "
        + ", ".join(f"state {k} {a:.2g} and {b:.2g}" for k, (a, b) in enumerate(rates))
        + ".",
        caption="Mean spikes of a step, of the populations of each state, on one input. Over a "
        "long time positive and negative ones are alike, as the input has no mean.",
    )
    rows = tuple(
        (str(k), f"{a:.3g}", f"{b:.3g}", f"{(a + b) / (signs * population):.2g}")
        for k, (a, b) in enumerate(rates)
    )
    return Section(
        key="spikes",
        title="Spikes",
        lead=lead,
        blocks=(
            raster,
            bars,
            DataTable(
                caption="Mean spikes of a step, by state",
                head=("state", "positive", "negative", "of a neuron"),
                rows=rows,
            ),
            CommandLine(
                purpose="Write address and step of every spike for an input of your own (or a "
                "raster: name a .png file)",
                command=f"lmu-hw simulate {PLACE} --input u.csv --output m.csv --spikes spikes.npz",
            ),
        ),
        data={
            "steps": run.n_steps,
            "neurons": neurons.neurons,
            "spikes_per_step": {
                "measured": run.mean_spikes,
                "predicted": neurons.spikes_per_step,
            },
            "by_state": {"positive": rates[:, 0].tolist(), "negative": rates[:, 1].tolist()},
        },
    )


def _neurons(run: SpikingRun, neurons: NeuronSummary) -> Section:
    falls = "1/m" if neurons.model is NeuronModel.INTEGRATE_FIRE else "1/√m"
    lead = (
        f"m = {neurons.neurons:,} neurons leave an error of {percent(run.error)} (NRMSE of all "
        f"coefficients), {percent(neurons.nrmse)} predicted. With {MODELS[neurons.model]} neurons "
        f"it falls with {falls}."
    )
    rows = tuple(
        (
            f"{size.neurons:,}",
            percent(size.predicted),
            "" if size.measured is None else percent(size.measured),
            "this design" if size.neurons == neurons.neurons else "",
        )
        for size in run.sizes
    )
    drawn = picture(
        "neurons",
        draw_sizes(run.sizes, neurons.neurons, neurons.model),
        alt="Error of the memory over the number of neurons, predicted: "
        + ", ".join(f"{percent(size.predicted)} with {size.neurons:,}" for size in run.sizes)
        + f". Measured for this design: {percent(run.error)}.",
        caption="Error against the float memory, over the number of neurons of a channel. Steps "
        "of the line are full scales, which are powers of two.",
    )
    return Section(
        key="neurons",
        title="Error against the number of neurons",
        lead=lead,
        blocks=(
            drawn,
            DataTable(
                caption=f"NRMSE of the coefficients; input of flat noise, RMS {neurons.rms:g}, to "
                f"{neurons.bandwidth:.3g} cycles a sample, {run.n_steps} steps",
                head=("neurons m", "predicted", "measured", "note"),
                rows=rows,
            ),
        ),
        data={"measured": run.error, "predicted": neurons.nrmse, "sizes": to_data(run.sizes)},
    )


def _short(value: float) -> str:
    return f"{float(f'{value:.3g}'):,g}"
