"""A memory and a network in one firmware: in the main loop, in an interrupt, behind a DMA buffer.

    python examples/two_designs.py [--core m0|m3|m4|m33|host] [--out build/two_designs]

``examples/two_designs/`` holds the firmware: ``main.c``, the same in C++ (``main.cpp``), and
``dma.c``, a double buffer. This script generates both designs, which share ``lmu_kernels.h``, runs
the three programs, on a Cortex-M in QEMU or on this computer, and compares the hash of all words
and saved states with that of the NumPy interpreter.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

import lmu_hw as lh
from lmu_hw import layers

FIRMWARE = Path(__file__).resolve().parent / "two_designs"
CORES = ("m0", "m3", "m4", "m33", "host")
PROGRAMS = ("main.c", "main.cpp", "dma.c")
N_SAMPLES, SEQUENCE = 1000, 298
"""Samples of ``main.c``, and samples of a sequence of the gate."""
HALF, N_BLOCKS, LATE_AT = 32, 24, 8
"""Samples of a block of ``dma.c``; blocks; the block that the main loop is late for."""
OUTPUT_EVERY = 4
"""Steps from one output of the gate to the next."""
VIBRATION = lh.Channel(name="vibration", unit="mV", scale=1000.0)
TEMPERATURE = lh.Channel(name="temperature", unit="0.1 degC", scale=50.0, offset=250.0)


def history() -> lh.Design:
    """Return a memory of 48 samples, read at three delays."""
    memory = lh.Memory(6, theta=48)
    return lh.compile(memory, output="taps=0,0.5,1", name="history", inputs=[VIBRATION])


def gate(seed: int = 0) -> lh.Design:
    """Return a small network with random weights, which stands for a trained one."""
    rng = np.random.default_rng(seed)
    dense = layers.DenseLayer(
        W=0.5 * rng.standard_normal((6, 6)), b=np.zeros(6), activation=layers.Activation.TANH
    )
    lmu = layers.LMULayer(
        memory=layers.LinearMemory(order=4, theta=16),
        n_in=2,
        e_x=np.array([[0.7, 0.3]]),
        cell=dense,
        reads_input=True,
    )
    score = layers.DenseLayer(
        W=rng.standard_normal((2, 6)), b=np.zeros(2), activation=layers.Activation.LINEAR
    )
    network = lh.Network.from_layers(lmu, score, name="gate")
    return lh.compile(
        network, output_every=OUTPUT_EVERY, name="gate", inputs=[VIBRATION, TEMPERATURE]
    )


def write_designs(designs: dict[str, lh.Design], to: Path) -> None:
    """Write the build directories of designs, and one lmu_kernels.h for all of them."""
    for name, design in designs.items():
        design.write(to / name, kernels=to / "kernels")


def noise(n: int) -> list[int]:
    """Return the first n numbers of ``next_noise`` in bench.h."""
    x, numbers = 1, []
    for _ in range(n):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        numbers.append(x)
    return numbers


def fnv1a(data: bytes, value: int = 0x811C9DC5) -> int:
    """Return the FNV-1a hash of bytes."""
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def words(outputs: np.ndarray) -> bytes:
    """Return words as ``hash_word`` hashes them."""
    return outputs.astype("<i4").tobytes()


def to_words(design: lh.Design, values: np.ndarray) -> np.ndarray:
    """Return values in the channels' units as input words; those out of range saturate, as in C."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return design.to_words(design.normalize(values))


def expected_main(designs: dict[str, lh.Design]) -> int:
    """Return the hash that ``main.c`` prints, from the interpreter's words."""
    numbers = np.array(noise(2 * N_SAMPLES)).reshape(-1, 2)
    values = np.column_stack([(numbers[:, 0] >> 21) - 1024, 200 + (numbers[:, 1] >> 25)])
    states: dict[str, np.ndarray | None] = dict.fromkeys(designs)
    hashed = b""
    for start in range(0, N_SAMPLES, SEQUENCE):
        part = values[start : start + SEQUENCE]
        runs = {
            name: design.run(
                to_words(design, part if name == "gate" else part[:, :1]),
                state=states[name],
                engine="interpreter",
            )
            for name, design in designs.items()
        }
        # the history is read when the gate has an output
        delayed = runs["history"].outputs[OUTPUT_EVERY - 1 :: OUTPUT_EVERY]
        hashed += words(np.column_stack([delayed, runs["gate"].outputs]))
        for name, design in designs.items():
            hashed += design.state_to_bytes(runs[name].state)
        states = {"history": runs["history"].state, "gate": None}
    return fnv1a(hashed)


def expected_dma(design: lh.Design, resumed_at: int) -> int:
    """Return the hash that ``dma.c`` prints: two sequences, with a gap where it was late."""
    samples = np.array(noise(N_BLOCKS * HALF), dtype=np.uint32) >> 16
    adc = samples.astype(np.uint16).view(np.int16).astype(np.int64)
    parts = (adc[: LATE_AT * HALF], adc[resumed_at * HALF :])
    return fnv1a(b"".join(words(design.run(p, engine="interpreter").outputs) for p in parts))


def run_firmware(designs_dir: Path, build_dir: Path, *variables: str) -> dict[str, int]:
    """Compile one of the programs and run it; return the numbers that it prints.

    Parameters
    ----------
    designs_dir, build_dir : Path
    *variables : str
        Variables of the Makefile, such as ``CORE=m4`` and ``PROGRAM=main.c``.
    """
    places = (f"DESIGNS={designs_dir.resolve()}", f"BUILD={build_dir.resolve()}")
    command = ["make", "--silent", "-C", str(FIRMWARE), "run", *places, *variables]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    lines = (line.rsplit(" ", 1) for line in done.stdout.splitlines())
    return {label: int(number, 16) for label, number in lines}


def check(program: str, said: dict[str, int], designs: dict[str, lh.Design]) -> str:
    """Return a line about a run; exit unless its hashes are those of the interpreter's words."""
    if program == "dma.c":
        resumed = said["overrun, goes on at"]
        equal = said["words"] == expected_dma(designs["history"], resumed)
        text = (
            f"late for block {LATE_AT}, {said['overruns']} overrun found, from {resumed} on right"
        )
    else:
        equal = {said["loop"], said["interrupt"]} == {expected_main(designs)}
        text = f"hash {said['loop']:08X}, the loop interrupted {said['interrupted']} times"
    if not equal:
        sys.exit(f"{program}: the firmware and the interpreter differ: {said}")
    return text


def main() -> None:
    """Run the example."""
    args = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    args.add_argument("--core", choices=CORES, default="m4", help="host: this computer")
    args.add_argument("--out", type=Path, default=Path("build/two_designs"), help="for everything")
    options = args.parse_args()
    designs = {"history": history(), "gate": gate()}
    write_designs(designs, options.out / "designs")
    for program in PROGRAMS:
        build_dir = options.out / options.core / program.replace(".", "_")
        variables = (f"CORE={options.core}", f"PROGRAM={program}")
        said = run_firmware(options.out / "designs", build_dir, *variables)
        print(f"{program:9s} {check(program, said, designs)}")
    print("all words and saved states equal to the interpreter's")


if __name__ == "__main__":
    main()
