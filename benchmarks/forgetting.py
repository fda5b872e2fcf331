"""How fast a memory forgets: docs/results/forgetting.md.

    python benchmarks/forgetting.py

Instances of a memory with different pasts, one of them never used, go on with the same input. After
how many windows are their outputs within an LSB of each other, and after how many equal for good?
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import lmu_hw as lh

MEMORIES = ((6, 48), (16, 128), (64, 512), (64, 8192))
"""Orders, and windows [samples]."""
BITS = (8, 12, 16)
PAST, LATER = 4, 12
"""Windows before the inputs become the same, and after."""
PAGE = Path(__file__).parent.parent / "docs" / "results" / "forgetting.md"


def pasts(theta: int, top: int) -> np.ndarray:
    """Return input words (n_steps, n_pasts): none, then the largest of several kinds."""
    rng, t = np.random.default_rng(0), np.arange(PAST * theta)
    kinds = (
        np.zeros(t.size),
        np.ones(t.size),
        -np.ones(t.size),
        rng.choice((-1.0, 1.0), t.size),
        rng.uniform(-1.0, 1.0, t.size),
        np.where(t // (theta // 2) % 2, 1.0, -1.0),
    )
    words: np.ndarray = np.rint(top * np.stack(kinds, axis=1)).astype(np.int64)
    return words


def inputs(theta: int, top: int) -> dict[str, np.ndarray]:
    """Return what all instances read later: words that are not zero, of half the range."""
    rng, t = np.random.default_rng(1), np.arange(LATER * theta)
    kinds = {
        "noise": rng.uniform(-0.5, 0.5, t.size),
        # no whole number of samples in a period
        "sine": 0.5 * np.sin(2 * np.pi * 3.3 * t / theta),
        "square": np.where(t // (theta // 8) % 2, 0.5, -0.5),
        "constant": np.full(t.size, 0.5),
    }
    words = {name: np.rint(top * x).astype(np.int64) for name, x in kinds.items()}
    return {name: np.where(w == 0, 1, w) for name, w in words.items()}


def windows_until(differs: np.ndarray, theta: int) -> float | None:
    """Return the windows after which no step differs; None if one in the last window still does."""
    steps = np.flatnonzero(differs)
    if not steps.size:
        return 0.0
    last = float(steps[-1] + 1) / theta
    return None if last > LATER - 1 else last


def row(order: int, theta: int, bits: int) -> str:
    """Measure one memory; return a line of the table."""
    design = lh.compile(lh.Memory(order, theta=theta), bits=bits)
    top = (1 << (bits - 1)) - 1
    words = pasts(theta, top)
    state = design.run(words[:, :, None]).state
    close: list[float | None] = []
    equal: list[float | None] = []
    for later in inputs(theta, top).values():
        streams = np.repeat(later[:, None, None], words.shape[1], axis=1)
        y = design.run(streams, state=state).outputs
        apart = np.abs(y[:, 1:] - y[:, :1]).max(axis=(1, 2))
        close.append(windows_until(apart > 1, theta))
        equal.append(windows_until(apart > 0, theta))
    texts = [f"> {LATER}" if x is None else f"{x:.1f}" for x in (_worst(close), *equal)]
    return f"| {order} | {theta} | {bits} | {' | '.join(texts)} | {zeroed(design, state, theta)} |"


def zeroed(design: lh.Design, state: np.ndarray, theta: int) -> int:
    """Return the windows of zero input after which all instances have the same state."""
    zeros = np.zeros((theta, len(state), 1), dtype=np.int64)
    for n in range(1, 10 * LATER):
        state = design.run(zeros, state=state).state
        if (state == state[0]).all():
            return n
    raise SystemExit("a memory does not decay to zero")


def _worst(windows: list[float | None]) -> float | None:
    known = [x for x in windows if x is not None]
    return max(known) if len(known) == len(windows) else None


def main() -> None:
    """Print and write the table."""
    lines = [
        "# How fast a memory forgets",
        "",
        f"Six instances of a memory first read {PAST} windows of different inputs: one of zeros,",
        "five of full scale. Then all read the same input of half the range, without a zero, for",
        f"{LATER} windows. The table says after how many windows all outputs (`output=memory`) are",
        "within an LSB of those of the instance that read zeros, the slowest input counted, and",
        "after how many they are equal for good. Last column: zeros instead, all states equal.",
        "Repeat it by `python benchmarks/forgetting.py`.",
        "",
        "| d | theta | bits | within an LSB | equal: noise | sine | square | constant "
        "| equal: zero input |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for order, theta in MEMORIES:
        for bits in BITS:
            lines.append(row(order, theta, bits))
            print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
