"""Cost of a state port: the table of docs/howto/core_in_a_design.md, printed.

    python benchmarks/state_port.py

Number of ECP5 cells in Yosys, without and with the port. Takes two minutes.
Yosys is called as the package calls it: `Build.synth` would place and route too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from synthesis_designs import memory, network

import lmu_hw as lh
from lmu_hw._support import yosys
from lmu_hw.program.integer_program import Role

SCRIPT = "read_verilog lmu.v; synth_ecp5 -top lmu; tee -q -o stat.json stat -json"
DESIGNS: dict[str, Callable[[Path, bool], Path]] = {
    "memory, d = 64, 16 bits, `--output state`, 1 lane": lambda build_dir, port: memory(
        build_dir, d=64, output="state", state_port=port
    ),
    "LMU, d = 64, n = 32, 1 input, 8-bit weights, 1 lane": lambda build_dir, port: network(
        build_dir, order=64, hidden=32, theta=64, state_port=port
    ),
    "the same, 4 lanes": lambda build_dir, port: network(
        build_dir, order=64, hidden=32, theta=64, lanes=4, state_port=port
    ),
}


def cells_of(build_dir: Path) -> dict[str, int]:
    """Return the number of cells of each kind, synthesized from a build directory."""
    yosys.run(SCRIPT, build_dir / "rtl")
    counts = json.loads((build_dir / "rtl" / "stat.json").read_text())["design"][
        "num_cells_by_type"
    ]
    return {kind: int(count) for kind, count in counts.items()}


def main() -> None:
    """Print the table."""
    print("| design | N | LUT4 | flip-flops | cells | block RAM, multipliers |")
    print("|---|---|---|---|---|---|")
    for label, make in DESIGNS.items():
        with tempfile.TemporaryDirectory() as place:
            build_dirs = [make(Path(place) / str(port), port) for port in (False, True)]
            found = [cells_of(build_dir) for build_dir in build_dirs]
            n_state = lh.open_build(build_dirs[0]).program.n_words(Role.STATE)
        columns = [
            ", ".join(str(cells.get(kind, 0)) for cells in found) for kind in ("LUT4", "TRELLIS_FF")
        ]
        columns.append(", ".join(str(sum(cells.values())) for cells in found))
        rams = [(cells.get("DP16KD", 0), cells.get("MULT18X18D", 0)) for cells in found]
        columns.append("the same" if rams[0] == rams[1] else ", ".join(map(str, rams)))
        print(f"| {label} | {n_state} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
