"""Software against hardware in real cycles of LiteX SoCs: docs/results/soc_cycles.md.

    python benchmarks/soc_cycles.py

Simulates the SoC of the litex kit in Verilator with VexRiscv and PicoRV32. Every run compares all
words with the vectors and counts clock cycles, which are exact. Needs LiteX, which `make kits`
installs. Some minutes; --quick takes one design and one processor, and prints only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from soc_wishbone import with_slave

import lmu_hw as lh
from lmu_hw.program.integer_program import Role
from lmu_hw.rtl.options import Hardware

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results" / "soc_cycles.md"
DEPTH = 64
"""Transfers that the FIFOs hold: the default of the kit's module."""


def taps() -> lh.Design:
    """Return the memory of order 8 with three delays."""
    return lh.compile(lh.Memory(8, theta=64), bits=16, output="taps=0,0.5,1")


def whole_memory() -> lh.Design:
    """Return the memory of order 16 with all of m."""
    return lh.compile(lh.Memory(16, theta=128), bits=16)


def ecg() -> lh.Design:
    """Return the network that classifies heartbeats; its ranges count here, not its accuracy."""
    network = lh.load_model(ROOT / "examples" / "models" / "ecg_beats.npz")
    data = np.random.default_rng(0).uniform(-1, 1, (20, 100, network.model.n_in))
    widths = {"weight_bits": 8, "input_bits": 16}
    return lh.compile(network, widths=widths, calibration=data, name="ecg")


DESIGNS: dict[str, tuple[str, Callable[[], lh.Design]]] = {
    "taps": ("memory d = 8, theta = 64, taps=0,0.5,1", taps),
    "memory": ("memory d = 16, theta = 128, all of m", whole_memory),
    "ecg": ("network ecg_beats.npz, 8-bit weights, one output for 64 steps", ecg),
}
PROCESSORS = {
    "VexRiscv": ("--cpu", "vexriscv"),
    "PicoRV32": ("--cpu", "picorv32"),
}
COLUMNS = ("software", "polled", "streamed", "transfers", "dma", "dma_cpu")


def simulate(kit: Path, options: tuple[str, ...], place: Path) -> dict[str, float]:
    """Return cycles of a step by name; ends the program if a word differs.

    The cycles follow from the kit: those of an equal one are not counted again.
    """
    place.mkdir(parents=True, exist_ok=True)
    found, known = place / "cycles.json", place / "kit.sha256"
    digest = digest_of(kit)
    if not (found.exists() and known.exists() and known.read_text() == digest):
        script = [sys.executable, str(kit / "sim.py"), "--depth", str(DEPTH)]
        command = [*script, *options, "--build-dir", str(place), "--json", str(found)]
        with (place / "log").open("w") as log:
            done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed, see {place / 'log'}")
        known.write_text(digest)
    return {name: total / n for name, (total, n) in json.loads(found.read_text()).items()}


def digest_of(kit: Path) -> str:
    """Return a digest of all files of a kit, and of the depth."""
    paths = sorted(p for p in kit.rglob("*") if p.is_file() and p.suffix != ".pyc")
    parts = [f"{p.relative_to(kit)} {sha256(p.read_bytes()).hexdigest()}" for p in paths]
    return sha256("\n".join([*parts, str(DEPTH)]).encode()).hexdigest()


def core_cycles(build: Path, n_steps: int) -> float:
    """Return the cycles of a step of the core alone, by its formula."""
    schedule = json.loads((build / "rtl" / "schedule.json").read_text())
    every = json.loads((build / "program.json").read_text())["output_every"]
    n_due = n_steps // every if every else 1
    due, quiet = schedule["cycles_per_step"], schedule["cycles_per_quiet_step"]
    return float((n_due * due + (n_steps - n_due) * quiet) / n_steps)


def number(cycles: float) -> str:
    """Return cycles as text."""
    return f"{cycles:,.0f}" if cycles >= 1000 else f"{cycles:.1f}"


def rows(key: str, out: Path, quick: bool) -> Iterator[str]:
    """Yield the lines of the table of a design."""
    _, make = DESIGNS[key]
    design, build = make(), out / key
    kits = "litex,wishbone" if key == "taps" else "litex"
    design.write(build, Hardware(state_port=True), kits=kits, force=True)
    n_words = len((build / "vectors" / "input.hex").read_text().split())
    core = core_cycles(build, n_words // design.program.n_words(Role.INPUT))
    for name, cpu in list(PROCESSORS.items())[: 1 if quick else None]:
        place = "-".join([key, *cpu]).replace("--", "")
        cycles = simulate(build / "litex", cpu, out / place)
        software, *bus = [number(cycles[column]) for column in COLUMNS]
        gain = cycles["software"] / cycles["streamed"]
        yield f"| {name} | {software} | {core:.1f} | {' | '.join(bus)} | {gain:.1f} |"
        if key == "taps":
            cycles = simulate(with_slave(build), cpu, out / f"{place}-slave")
            ahead, moved = number(cycles["streamed"]), number(cycles["transfers"])
            yield f"| the same, Wishbone slave | | | | {ahead} | {moved} | | | |"


TEXT = """\
# A core in a SoC, in cycles

What the core saves a processor, in clock cycles of the SoC that the litex kit simulates: LiteX
2024.12, `-O2`, code in a ROM on the bus, FIFOs of 64 transfers. Every word of every run is compared
with the vectors. Cycles a step, over the 64 steps of the vectors:

| column | cycles of |
|---|---|
| C | the same program in C on this processor |
| core | the core alone, by its formula |
| polled | one step at a time: write it, ask until it is ready, read it |
| fed ahead | `NAME_litex_run`: many words, two in a transfer, for one look at the status |
| bus | the part of that in which the processor moves words, not waiting for the core |
| DMA | a buffer through the core by the module's DMA |
| CPU | the processor's part of that, for one buffer of 64 steps |
| gain | C / fed ahead |

*Wishbone slave*: the slave of the wishbone kit and its driver in the same SoC, instead of CSRs.
On VexRiscv, a miss of the instruction cache while the counter is read can make *bus* up to 2.5 and
*CPU* up to 1.3 cycles a step too small; PicoRV32 has no cache, and its counts are exact.

Repeat: `make kits`, then `python benchmarks/soc_cycles.py`, which writes this page.
"""
HEADER = """\
| processor | C | core | polled | fed ahead | bus | DMA | CPU | gain |
|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """Print the tables; write the page too, unless --quick."""
    args = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    args.add_argument(
        "--quick", action="store_true", help="one design, one processor, printed only"
    )
    args.add_argument("--out", type=Path, default=Path("build/soc_cycles"), help="for everything")
    options = args.parse_args()
    if find_spec("litex") is None:
        print("LiteX is not installed: make kits")
        return
    parts = [TEXT]
    for key, (title, _) in list(DESIGNS.items())[: 1 if options.quick else None]:
        lines = [f"## {title[0].upper()}{title[1:]}", "", HEADER]
        for line in rows(key, options.out.resolve(), options.quick):
            print(line, flush=True)
            lines.append(line)
        parts.append("\n".join(lines) + "\n")
    if not options.quick:
        PAGE.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
