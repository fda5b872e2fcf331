"""A program that uses the public API with every type written out: mypy checks it, nothing runs it.

``python client.py MODEL DATA OUT`` would compile a memory and tune a network.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import lmu_hw as lh
from lmu_hw.errors import LMUHWError, MismatchError


def delay_line(out: Path) -> float | None:
    """Compile a memory, run it, write it and verify what was written."""
    memory = lh.Memory(8, theta=64, discretizer="zoh", channels=1)
    design: lh.Design = lh.compile(memory, bits=12, output="taps=0,1", widths={"state_bits": 24})
    u: npt.NDArray[np.float64] = np.sin(np.arange(200) / (memory.theta / 4))
    error: npt.NDArray[np.float64] = memory.simulate(u) @ memory.decoder([0.0, 1.0]).T
    error -= design.predict(u)
    first: lh.Run = design.run(design.to_words(u))
    second = design.run([1, 2, 3], state=first.state, engine="interpreter")
    lsb: float = design.formats["y"].lsb
    build: lh.Build = design.write(out, lh.Hardware(lanes=2, streams="axi"), force=True)
    report = build.verify(["c"], steps=500, seed=1)
    cycles: list[int | None] = [result.cycles_per_step for result in report.results]
    skipped: str = ", ".join(f"{name}: {why}" for name, why in report.not_verified.items())
    report.check()
    proven: bool = lh.open_build(out).certify().proven
    print(cycles, skipped, proven, second.outputs.sum() * lsb, np.abs(error).max())
    return design.error


def accurate(out: Path) -> lh.Build:
    """Compile the cheapest memory whose decoded delays are accurate."""
    print(lh.compare_delays(16, theta=128, bandwidth=0.0125, output="taps=0.5").within("1%").error)
    memory: lh.Memory = lh.choose_memory(16, accuracy="0.1%", bandwidth=0.0125)
    error: float = memory.delay_error(0.0125, [0.5])
    print(error)
    return lh.compile(memory).write(out)


def trained(model: Path, data: Path, out: Path) -> lh.Build:
    """Choose the cheapest widths that keep a network's accuracy."""
    network: lh.Network = lh.load_model(model, theta=40.0)
    dataset: lh.Dataset = lh.load_data(data, network)
    best = next(point for point in lh.tune(network, dataset, max_loss=0.01) if point.keeps)
    widths: lh.Widths = best.widths
    design = lh.compile(network, widths=widths, calibration=dataset, name="net")
    evaluation = design.evaluate(dataset, engine="auto")
    accuracy: float | None = evaluation.integers.accuracy
    windows: str = str(network.summary(rate=100.0))
    print(accuracy, evaluation.agreement.nrmse, best.score, best.rom_bits, windows)
    return design.write(out)


def by_hand() -> npt.NDArray[np.float64]:
    """Build a network from arrays."""
    memory = lh.layers.LMULayer(memory=lh.layers.LinearMemory(order=4, theta=20.0), n_in=1)
    head = lh.layers.DenseLayer(
        W=np.ones((2, 4)), b=np.zeros(2), activation=lh.layers.Activation.LINEAR
    )
    return lh.Network.from_layers(memory, head, every_step=False).predict(np.ones((1, 9, 1)))


def main(model: str, data: str, out: str) -> int:
    """Run everything; return the exit status."""
    try:
        delay_line(Path(out, "delay"))
        accurate(Path(out, "accurate"))
        trained(Path(model), Path(data), Path(out, "net")).footprint("c-m4")
        by_hand()
    except MismatchError as error:
        print(error.backend, error.step, file=sys.stderr)
        return 1
    except LMUHWError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
