"""What the commands on trained models say, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..measure.tune import DesignPoint, Tuner
    from ..quantize.word_lengths import Widths

WIDTHS = ("act_bits", "coef_bits", "state_bits", "input_bits")
"""Widths beside those of the weights, in the order in which they are shown."""
NRMSE = "RMS error over RMS of the target, which is not centred"
"""What an NRMSE is, wherever one is printed."""


def columns(rows: Sequence[Sequence[str]], n_left: int = 1) -> list[str]:
    """Return rows as lines in columns, the first ``n_left`` flush left, the others right.

    Examples
    --------
    >>> columns([("a", "10"), ("bcd", "5")])
    ['a    10', 'bcd   5']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if k < n_left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def shown_weights(widths: Mapping[str, Any]) -> str:
    """Return the widths of weights as ``--weight-bits`` takes them."""
    return ",".join(map(str, widths["layer_weight_bits"])) or str(widths["weight_bits"])


def model_text(m: Mapping[str, Any]) -> str:
    """Return what generate says of a network, from its manifest."""
    proven = [s for s in m["signals"].values() if s["basis"] == "proven"]
    every = {0: "the last step", 1: "every step"}.get(m["output_every"])
    more = f", {m['multiplies_per_output']:,} more for an output" if m["output_every"] != 1 else ""
    lines = [
        m["title"],
        f"  words         weights {shown_weights(m)}, activations {m['act_bits']}, memory "
        f"coefficients {m['coef_bits']}, states {m['state_bits'] or '-'} bits",
        f"  ranges        {len(proven)} of {len(m['signals'])} signals proven, the others seen on "
        f"{m['calibration']}",
        f"  per step      {m['multiplies_per_step']:,} multiplies{more} "
        f"({m['network']['multiplies_dense']:,} dense)",
        f"  output        at {every or 'every {} steps'.format(m['output_every'])}",
        f"  memory        {m['rom_bits'] / 8192:.1f} KiB of tables, "
        f"{m['ram_bits'] / 8192:.2f} KiB of words",
    ]
    if m["cycles_per_step"] is None:
        lines.append(f"  Verilog       none: {m['hardware']['refused']}")
    return "\n".join(lines)


def evaluation_text(widths: Widths, report: Mapping[str, Any]) -> str:
    """Return what evaluate says."""
    ints, floats = report["integer"], report["float"]
    shown = ", ".join(f"{n.removesuffix('_bits')} {getattr(widths, n) or '-'}" for n in WIDTHS)
    lines = [
        f"{report['sequences']} sequences; bits: weight {shown_weights(asdict(widths))}, {shown}"
    ]
    lines += [
        f"  {key:10} float {100 * floats[key]:.2f} %   integer {100 * ints[key]:.2f} %"
        for key in ("accuracy", "nrmse")
        if key in ints
    ]
    a = report["agreement"]
    same = f", same class {100 * a['same_class']:.2f} %" if "same_class" in a else ""
    lines.append(
        f"  agreement  NRMSE {100 * a['nrmse']:.3g} %, largest difference "
        f"{a['largest_difference']:.3g}{same}"
    )
    lines.append(f"  NRMSE is {NRMSE}; of the agreement, the float output is the target")
    lines.append(f"  engine     {engine_text(report['engine'])}")
    lines.append(f"  signals, on {report['traced_sequences']} sequences:")
    rows = [("name", "format", "range", "SNR [dB]", "saturated")]
    for name, s in report["signals"].items():
        basis = "proven" if s["proven"] else "seen"
        saturated = f"{100 * s['saturated']:.3g} %"
        rows.append((name, s["format"], basis, f"{s['snr_db']:.1f}", saturated))
    lines += [f"    {line}" for line in columns(rows, n_left=3)]
    lines.append(f"  worst layer: {report['worst_layer']} ({report['worst_signal']})")
    if "confusion" in ints:
        lines.append("  confusion of the integer program, true class by row:")
        counts = [[str(n) for n in row] for row in ints["confusion"]]
        lines += [f"    {line}" for line in columns(counts, n_left=0)]
    return "\n".join(lines)


def engine_text(engine: Mapping[str, Any]) -> str:
    """Return what ran a program, and what of it was compared with the interpreter.

    Examples
    --------
    >>> engine_text({"name": "c", "checked": {"sequences": 3, "words": 1200}})
    "compiled C; 1,200 words of 3 sequences equal the interpreter's"
    """
    if engine["name"] == "interpreter":
        return "interpreter"
    words, sequences = (engine["checked"][name] for name in ("words", "sequences"))
    return f"compiled C; {words:,} words of {sequences} sequences equal the interpreter's"


def point_text(number: int, point: DesignPoint) -> str:
    """Return the line of a point that tune has met."""
    w = point.widths
    return (
        f"{number:3}  weights {shown_weights(asdict(w)):5} acts {w.act_bits:2} "
        f"state {w.state_bits or 0:2} coefs {w.coef_bits:2}  {point.cost[0] / 8192:8.2f} KiB  "
        f"{100 * point.score:6.2f} %  {'keeps' if point.keeps else 'loses'}"
    )


def tuner_text(tuner: Tuner) -> str:
    """Return the points that tune has met and no other beats, cheapest first."""
    head = ("weights", "acts", "state", "coefs", "ROM KiB", "RAM KiB", "multiplies", "score %")
    rows: list[tuple[str, ...]] = [(*head, "loss %", "")]
    for p in tuner.pareto():
        w = p.widths
        bits = (w.act_bits, w.state_bits or 0, w.coef_bits)
        kib = (f"{p.rom_bits / 8192:.2f}", f"{p.ram_bits / 8192:.2f}")
        score = (f"{100 * p.score:.2f}", f"{100 * p.loss:.2f}", "" if p.keeps else "too much")
        rows.append((shown_weights(asdict(w)), *map(str, bits), *kib, f"{p.multiplies:,}", *score))
    first = f"float: {100 * tuner.target:.2f} %; points that no other beats, cheapest first:"
    if tuner.dataset.labels is None:
        first = f"scores are NRMSE: {NRMSE}\n{first}"
    engine = f"engine: {engine_text(tuner.ran)}"
    return "\n".join([first, *(f"  {line}" for line in columns(rows, n_left=0)), engine])


def point_data(point: DesignPoint) -> dict[str, Any]:
    """Return a point as data."""
    return {
        **asdict(point.widths),
        "score": point.score,
        "loss": point.loss,
        "rom_bits": point.rom_bits,
        "ram_bits": point.ram_bits,
        "multiplies": point.multiplies,
        "keeps": point.keeps,
    }


def network_text(found: dict[str, Any]) -> str:
    """Return a `report` as lines of text, one for each layer."""
    rows: list[tuple[str, ...]] = [
        ("layer", "what", "in", "out", "parameters", "multiplies dense", "as generated")
    ]
    for layer in found["layers"]:
        rows.append(
            (
                layer["name"],
                _layer_text(layer),
                *(f"{layer[key]:,}" for key in ("inputs", "outputs", "parameters")),
                *(f"{layer[key]:,}" for key in ("multiplies_dense", "multiplies")),
            )
        )
    totals = (f"{found[key]:,}" for key in ("parameters", "multiplies_dense", "multiplies"))
    rows.append(("total", f"output at {found['output_at']}", "", "", *totals))
    return "\n".join(columns(rows, n_left=2))


def _layer_text(layer: dict[str, Any]) -> str:
    if layer["kind"] != "LMU":
        return f"{layer['kind']}, {layer['activation']}"
    theta = "unknown" if layer["theta"] is None else f"{layer['theta']:.6g}"
    seconds = layer.get("theta_seconds")
    theta += "" if seconds is None else f" ({seconds:.4g} s)"
    channels = f"{layer['channels']} x " if layer["channels"] > 1 else ""
    kind = "trained A" if layer["trained_A"] else layer["discretizer"]
    cell = f"{layer['cell']}, {layer['activation']}" if layer["cell"] else "no cell"
    return f"LMU {channels}d={layer['order']} theta={theta} {kind}, {cell}"
