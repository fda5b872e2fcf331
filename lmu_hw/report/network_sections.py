"""Sections of a report: layers, accuracy and worst examples of a network."""

from __future__ import annotations

from .._support.svg_pictures import page_style
from ..manifest import NetworkManifest
from ..measure.evaluation import NRMSE, Metrics
from ..measure.signal_error import SILENT_DB
from ..program.codec import to_data
from .command_sections import PLACE
from .example_pictures import draw_examples
from .network_pictures import (
    draw_confusion,
    draw_differences,
    draw_layers,
    draw_snr,
)
from .network_run import NetworkRun
from .plotting import picture
from .report_source import ReportSource
from .section import Block, CommandLine, DataTable, Paragraph, Picture, Section


def network_sections(source: ReportSource) -> tuple[Section, ...]:
    """Return the sections on layers, accuracy and worst examples of a network."""
    design = source.manifest.design
    if not isinstance(design, NetworkManifest):
        return ()
    with page_style():
        found = [_layers(design)]
        if source.network_run is None:
            found.append(_not_run())
        else:
            run, counts = source.network_run, source.program.counts
            found += [_accuracy(run), _signals(run, counts), _examples(run)]
    return tuple(found)


def _layers(design: NetworkManifest) -> Section:
    network = design.network
    rows = tuple(
        (
            layer.name,
            layer.text(),
            f"{layer.inputs:,}",
            f"{layer.outputs:,}",
            f"{layer.parameters:,}",
            f"{layer.multiplies_dense:,}",
            f"{layer.multiplies:,}",
        )
        for layer in network.layers
    )
    share = network.multiplies / max(1, network.multiplies_dense)
    lead = (
        f"{_count(len(network.layers), 'layer')} with {network.parameters:,} parameters. A step "
        f"with an output takes {network.multiplies:,} multiplies, {_share(share)} of those that "
        "dense matrices would take."
    )
    head = ("layer", "what", "in", "out", "parameters", "multiplies, dense", "as generated")
    drawn = picture(
        "layers",
        draw_layers(network.layers),
        alt="Multiplies a step by layer. "
        + " ".join(
            f"{x.name}: {x.multiplies:,} as generated, {x.multiplies_dense:,} dense."
            for x in network.layers
        ),
        caption="Multiplies of a step with an output. A memory takes one multiply a state where "
        "its dense matrix would take one an entry.",
    )
    return Section(
        key="layers",
        title="Layers",
        lead=lead,
        blocks=(
            drawn,
            DataTable(caption="Layers, in the order of the data", head=head, rows=rows),
        ),
        data=to_data(network),
    )


def _not_run() -> Section:
    return Section(
        key="accuracy",
        title="Accuracy",
        lead="Not measured: a build directory holds neither the trained model nor data.",
        blocks=(
            CommandLine(
                purpose="Write this report with accuracy, errors of every signal, confusion and "
                "worst examples, where `MODEL` is the model file of this design, and `D.npz` "
                "holds x, and y (labels or targets)",
                command=f"lmu-hw report {PLACE} --model MODEL --data D.npz",
            ),
        ),
    )


def _accuracy(run: NetworkRun) -> Section:
    found = run.evaluation
    agreement = found.agreement
    rows = [
        (name, *(_score(getattr(m, key)) for m in (found.floats, found.integers)))
        for key, name in (("accuracy", "accuracy"), ("nrmse", "NRMSE against the targets"))
        if getattr(found.integers, key) is not None
    ]
    lead = _accuracy_lead(run)
    blocks: list[Block] = []
    if rows:
        blocks.append(
            DataTable(
                caption=f"On {_count(found.sequences, 'sequence')}",
                head=("score", "float64", "integers"),
                rows=tuple(rows),
            )
        )
    same = "" if agreement.same_class is None else f"{_score(agreement.same_class)} same class, "
    blocks.append(
        Paragraph(
            text=f"Integers against floats: {same}{100 * agreement.nrmse:.3g} % NRMSE, largest "
            f"difference of an output {agreement.largest_difference:.3g}. NRMSE is {NRMSE}. "
            f"Engine: {found.engine}."
        )
    )
    if found.integers.confusion is not None:
        blocks += _confusion(found.integers.confusion, found.floats)
    blocks.append(_differences(run))
    return Section(
        key="accuracy",
        title="Accuracy",
        lead=lead,
        blocks=tuple(blocks),
        data={name: value for name, value in found.to_dict().items() if name != "signals"},
    )


def _accuracy_lead(run: NetworkRun) -> str:
    found = run.evaluation
    floats, integers = found.floats, found.integers
    on = f"of {_count(found.sequences, 'sequence')}"
    if integers.accuracy is not None and floats.accuracy is not None:
        return (
            f"The integers tell {100 * integers.accuracy:.2f} % {on} right, the float network "
            f"{100 * floats.accuracy:.2f} %."
        )
    if integers.nrmse is not None and floats.nrmse is not None:
        return (
            f"NRMSE against the targets {on}: {_score(integers.nrmse)} in integers, "
            f"{_score(floats.nrmse)} in float64."
        )
    same = found.agreement.same_class
    told = "" if same is None else f"; {_score(same)} have the same class"
    return (
        f"Outputs {on} differ by {_score(found.agreement.nrmse)} (NRMSE) from those of the float "
        f"network{told}. The data have neither labels nor targets."
    )


def _confusion(confusion: tuple[tuple[int, ...], ...], floats: Metrics) -> list[Block]:
    n, rows = len(confusion), []
    right = sum(confusion[k][k] for k in range(n))
    pairs = sorted(
        ((confusion[a][b], a, b) for a in range(n) for b in range(n) if a != b and confusion[a][b]),
        key=lambda pair: (-pair[0], pair[1:]),
    )
    often = ", ".join(f"{a} as {b} ({count} times)" for count, a, b in pairs[:3])
    for k, row in enumerate(confusion):
        total = sum(row)
        wrong = max((count, -j) for j, count in enumerate(row) if j != k) if n > 1 else (0, 0)
        known = "" if floats.confusion is None else f"{floats.confusion[k][k]:,}"
        taken = f"{-wrong[1]} ({wrong[0]:,} times)" if wrong[0] else "-"
        rows.append((str(k), f"{total:,}", f"{row[k]:,}", known, taken))
    drawn = picture(
        "confusion",
        draw_confusion(confusion),
        alt=f"Confusion matrix of {n} classes: {right:,} on the diagonal"
        + (f"; most often wrong: {often}." if often else ", none beside it."),
        caption="How often each class is computed for each true class. Blue: right, on the "
        "diagonal; red: wrong.",
    )
    head = ("true class", "sequences", "integers right", "floats right", "most often taken for")
    return [drawn, DataTable(caption="By class", head=head, rows=tuple(rows))]


def _differences(run: NetworkRun) -> Picture:
    found = run.differences()
    rms = float((found**2).mean() ** 0.5)
    scores = "scores before softmax" if run.floats.softmax else "outputs"
    return picture(
        "differences",
        draw_differences(found),
        alt=f"Histogram of integer less float {scores}: mean {found.mean():.3g}, RMS {rms:.3g}, "
        f"largest {abs(found).max():.3g}.",
        caption=f"Integer less float {scores}, of all sequences and outputs: mean "
        f"{found.mean():.3g}, RMS {rms:.3g}.",
    )


def _signals(run: NetworkRun, counts: frozenset[str]) -> Section:
    found = run.evaluation.trace
    signals = {name: s for name, s in found.signals.items() if name not in counts}
    saturated = {name: s.saturated for name, s in signals.items() if s.saturated}
    lead = f"No word saturated on {_count(found.traced_sequences, 'sequence')}."
    if saturated:
        worst = max(saturated, key=lambda name: saturated[name])
        lead = (
            f"{_count(len(saturated), 'signal')} saturated on "
            f"{_count(found.traced_sequences, 'sequence')}, `{worst}` most often: "
            f"{100 * saturated[worst]:.2g} % of its words."
        )
    if found.worst_signal is not None:
        quality = found.signals[found.worst_signal]
        lead += (
            f" The lowest SNR is {quality.snr_db:.1f} dB, of `{found.worst_signal}` in layer "
            f"{found.worst_layer}."
        )
    rows = tuple(
        (
            f"`{name}`",
            f"`{s.format}`",
            "proven" if s.proven else "calibrated",
            "-" if s.snr_db >= SILENT_DB else f"{s.snr_db:.1f}",
            f"{100 * s.saturated:.3g} %",
        )
        for name, s in signals.items()
    )
    drawn = picture(
        "signal-errors",
        draw_snr(signals),
        alt="SNR against the float network by signal: "
        + ", ".join(f"{name} {s.snr_db:.0f} dB" for name, s in signals.items())
        + ".",
        caption="Power of each signal over the power of its error, against the same signal of the "
        "float network. The layer in which it drops is the one that needs wider words.",
    )
    return Section(
        key="signals",
        title="Error of every signal",
        lead=lead,
        blocks=(
            drawn,
            DataTable(
                caption="Signals against the float network; no SNR: no error",
                head=("signal", "format", "range", "SNR [dB]", "saturated"),
                rows=rows,
            ),
        ),
        data=to_data(found),
    )


def _examples(run: NetworkRun) -> Section:
    classes = run.classes
    differ = sum(e.float_class != e.integer_class for e in run.worst)
    if classes and run.evaluation.agreement.same_class == 1.0:
        lead = "Integers and floats tell every sequence alike; these differ most in a score."
    elif classes:
        lead = "Sequences that integers and floats tell differently come first."
    else:
        lead = "Sequences with the largest difference between integers and floats."
    rows = tuple(
        (
            str(e.sequence),
            "-" if e.truth is None else str(e.truth),
            "-" if e.float_class is None else str(e.float_class),
            "-" if e.integer_class is None else str(e.integer_class),
            f"{e.difference:.3g}",
            str(e.step),
        )
        for e in run.worst
    )
    head = ("sequence", "label", "float class", "integer class", "largest difference", "at step")
    drawn = picture(
        "examples",
        draw_examples(run),
        alt="Inputs and outputs. " + ". ".join(e.text for e in run.worst) + ".",
        caption="Left, the input; right, "
        + (
            "the scores at the last step in floats and integers."
            if classes
            else "the output that differs most, in floats and integers."
        ),
    )
    return Section(
        key="examples",
        title="Worst examples",
        lead=lead,
        blocks=(drawn, DataTable(caption="Shown above", head=head, rows=rows)),
        data={"examples": to_data(run.worst), "shown_that_differ": differ if classes else None},
    )


def _score(value: float) -> str:
    return f"{100 * value:.2f} %" if value >= 1e-3 else f"{100 * value:.2g} %"


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
