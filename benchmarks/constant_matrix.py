"""Constant matrices as hardware, beside da4ml and alkaid: docs/results/constant_matrix.md.

    PYTHONPATH=. python benchmarks/constant_matrix.py [--write] [--out build/constant_matrix]

Random matrices times vectors of 16-bit words: as graphs of adders, ours and those of da4ml and
alkaid, with a register behind every adder; and as layers with requantizers at several intervals.
da4ml and alkaid (LGPL-3, ``pip install 'lmu-hw[adders]'``) are asked for graphs if they are
installed; nothing of them is in lmu-hw. A run that is stopped goes on where it was. ``--write``
writes the page.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results_file import Results, Row, arguments, with_section
from lmu_hw._support.identifiers import COLLISION_MACRO
from lmu_hw._support.templates import environment
from lmu_hw.measure.synthesis.devices import TARGETS
from lmu_hw.measure.synthesis.netlists import synthesize
from lmu_hw.measure.synthesis.nextpnr import place_and_route
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Program, Role, Vector
from lmu_hw.rtl.layers.constant_matrix import ConstantMatrix
from lmu_hw.rtl.layers.graph_search import adder_graph, signed_digits
from lmu_hw.rtl.layers.held_words import HeldVector
from lmu_hw.rtl.layers.layer_core import LAYER_BLOCKS, LayerCore
from lmu_hw.rtl.layers.layer_plan import layer_plan
from lmu_hw.rtl.verilog_modules import verilog_of

PAGE = Path(__file__).parent.parent / "docs" / "results" / "constant_matrix.md"
NAME = "lmu"
WORD = QFormat(1, 15)
SEED = 1
"""Of the placement."""
MATRICES = {
    "8 x 8 of 8 bits": (8, 8),
    "16 x 16 of 4 bits": (16, 4),
    "16 x 16 of 8 bits": (16, 8),
}
"""Rows and columns, and bits of a weight."""
INTERVALS = {4: "ecp5-85k", 12: "ecp5-25k"}
"""Intervals of the layer, and a device that has enough multipliers."""
OTHERS = {"da4ml": ("FixedVariableArrayInput", "comb_trace"), "alkaid": ("FVArrayInput", "trace")}
"""Packages that are asked for graphs, and their names for inputs and for what makes a graph."""
PLACED = "da4ml"
"""The package whose graphs are placed, with our registers."""


def weights(name: str) -> np.ndarray:
    """Return a random matrix; rows are outputs."""
    size, bits = MATRICES[name]
    half = 1 << (bits - 1)
    return np.random.default_rng(0).integers(-half, half, (size, size))


def placed(verilog: str, top: str, device: str) -> Row:
    """Return cells and clock rate of a module on a device."""
    target = TARGETS[device]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / f"{top}.v").write_text(verilog, encoding="utf-8")
        netlist = synthesize(target, top, work)
        timing = place_and_route(target, work, (), SEED, None, netlist.luts)
    return {
        "device": device,
        "luts": netlist.luts,
        "ffs": netlist.ffs,
        "dsps": netlist.dsps,
        "mhz": timing.fmax_mhz,
    }


def our_graph(name: str) -> Row:
    """Return figures of our graph of a matrix."""
    rows = weights(name).tolist()
    graph = adder_graph(
        tuple(map(tuple, rows)), ((WORD.min, WORD.max),) * len(rows[0]), levels_per_stage=1
    )
    words = HeldVector(name="x", fmt=WORD, length=len(rows[0]), time=0)
    matrix = ConstantMatrix(graph, [words], [(0, k) for k in range(words.length)])
    text = verilog_of(matrix, NAME, NAME, LAYER_BLOCKS, {})
    digits = sum(len(signed_digits(weight)) for row in rows for weight in row)
    return {
        "adders": len(graph.adders),
        "plain": digits - len(rows),
        "stages": graph.latency,
        **placed(text, NAME, "ecp5-25k"),
    }


def other_graph(package: str, name: str) -> Row | None:
    """Return figures of another package's graph of a matrix; None if it is not installed."""
    try:
        trace: Any = importlib.import_module(f"{package}.trace")
        codegen: Any = importlib.import_module(f"{package}.codegen")
    except ImportError:
        return None
    make_inputs, make_graph = (getattr(trace, attribute) for attribute in OTHERS[package])
    kernel = weights(name)
    n = kernel.shape[1]
    words = make_inputs((n,), hwconf=trace.HWConfig(1, -1, -1))
    formats = (np.full(n, value) for value in (1, WORD.int_bits - 1 + WORD.frac_bits, 0))
    inputs = words.quantize(*formats)
    graph = make_graph(words, inputs @ kernel.T.astype(np.float64))
    # codes 0 and 1 are sums and differences
    adders = sum(op.opcode in (0, 1) for op in graph.ops)
    if package != PLACED:
        return {"adders": adders}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        model = codegen.RTLModel(graph, NAME, work, latency_cutoff=1, print_latency=False)
        model.write()
        # tables are for what a matrix has not
        others = (f"{NAME}_wrapper", "lookup_table")
        files = [f for f in sorted(work.rglob("*.v")) if f.stem not in others]
        text = "\n".join(f.read_text(encoding="utf-8") for f in files)
        stages = sum("_stage" in f.stem for f in files)
    return {"adders": adders, "stages": stages, **placed(text, NAME, "ecp5-25k")}


def solver_adders(name: str) -> Row | None:
    """Return the adders that da4ml's solver finds if nothing limits them; None without da4ml."""
    try:
        cmvm: Any = importlib.import_module(f"{PLACED}.cmvm")
    except ImportError:
        return None
    kernel = weights(name).T.astype(np.float32)
    words = [(float(WORD.min), float(WORD.max), 1.0)] * len(kernel)
    found = cmvm.solve(kernel, qintervals=words)
    return {"adders": sum(op.opcode in (0, 1) for part in found.solutions for op in part.ops)}


def layer(name: str) -> Program:
    """Return a layer of a matrix, with random biases and scales, and words of 16 bits."""
    rows = weights(name).tolist()
    n = len(rows)
    rng = np.random.default_rng(1)
    vectors = (
        Vector(name="x", length=len(rows[0]), role=Role.INPUT, fmt=WORD),
        Vector(name="y", length=n, role=Role.OUTPUT, fmt=WORD),
    )
    op = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=tuple(map(tuple, rows)),
        aligns=(0,),
        biases=tuple(rng.integers(-10_000, 10_000, n).tolist()),
        multipliers=tuple(rng.integers(1 << 14, 1 << 15, n).tolist()),
        shifts=(23,) * n,
    )
    return Program(name=NAME, title=name, vectors=vectors, ops=(op,))


def our_layer(name: str, interval: int) -> Row:
    """Return figures of a whole layer at an interval."""
    plan = layer_plan(layer(name), interval)
    modules = verilog_of(LayerCore(plan), NAME, NAME, LAYER_BLOCKS, {})
    text = (
        environment()
        .get_template("rtl/design.v.j2")
        .render(
            header="",
            axi=False,
            roms=[],
            modules=modules,
            name=NAME,
            collision_macro=COLLISION_MACRO,
        )
    )
    return {
        "interval": plan.cycles_per_step,
        "latency": plan.latency,
        "multipliers": plan.multipliers,
        "requantizers": plan.requantizers,
        "adders": plan.adders,
        **placed(text, NAME, INTERVALS[interval]),
    }


def graph_lines(results: Results) -> list[str]:
    """Return the table of graphs."""
    lines = [
        "| matrix | graph by | adders | stages | LUT | FF | MHz |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in MATRICES:
        rows = {"lmu-hw": results.add(f"{name}, lmu-hw", lambda name=name: our_graph(name))}
        for package in OTHERS:
            key = f"{name}, {package}"
            if row := measured(results, key, lambda p=package, n=name: other_graph(p, n)):
                rows[package] = row
        key = f"{name}, solver"
        if row := measured(results, key, lambda n=name: solver_adders(n)):
            rows[f"{PLACED}, solver alone"] = row
        plain = rows["lmu-hw"]["plain"]
        lines.append(f"| {name} | signed digits, nothing shared | {plain} | | | | |")
        lines += [
            f"| {name} | {by} | {r['adders']} | {r['stages']} | {r['luts']:,} | {r['ffs']:,} "
            f"| {r.get('mhz', '')} |"
            if "luts" in r
            else f"| {name} | {by} | {r['adders']} | | | | |"
            for by, r in rows.items()
        ]
    return lines


def measured(results: Results, key: str, measure: Callable[[], Row | None]) -> Row | None:
    """Return a row that is known or can be measured."""
    if key in results.rows:
        return results.rows[key]
    row = measure()
    return None if row is None else results.add(key, lambda: row)


def layer_lines(results: Results) -> list[str]:
    """Return the table of layers."""
    lines = [
        "| interval | device | adders | multipliers | requantizers | DSP | LUT | FF | MHz "
        "| M steps/s | latency |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    name = "16 x 16 of 8 bits"
    for interval in INTERVALS:
        key = f"{name}, layer at {interval}"
        r = results.add(key, lambda interval=interval: our_layer(name, interval))
        lines.append(
            f"| {r['interval']} | {r['device']} | {r['adders'] or ''} | {r['multipliers'] or ''} "
            f"| {r['requantizers']} | {r['dsps']} | {r['luts']:,} | {r['ffs']:,} | {r['mhz']:.1f} "
            f"| {r['mhz'] / r['interval']:.1f} | {r['latency']} |"
        )
    return lines


def main() -> None:
    """Measure, and write the page."""
    parser = arguments(__doc__, "constant_matrix")
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    results = Results(options.out / "results.json")
    graphs, layers = graph_lines(results), layer_lines(results)
    if options.write:
        page = with_section(PAGE.read_text(encoding="utf-8"), "Graphs", "\n".join(graphs))
        page = with_section(page, "Layers", "\n".join(layers))
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
