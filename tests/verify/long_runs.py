"""Long unbroken runs of one program in several builds, compared by digests block after block.

The interpreter is too slow for all of it: it takes over the state of a build at the beginning of
chosen blocks, and must make the same words and the same state of the steps that follow.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.verify.stimulus import window
from lmu_hw.verify.worst_case import worst_case

BLOCK = 1 << 15
"""Steps between two digests."""
SHORTEST = 64
"""Steps of one class of stimulus at least."""
IMPULSES = 0.01
"""Share of steps with an impulse."""
PIECES = 4
"""Pieces of every other class for each worst case, which is as long as several windows."""


class Stimulus:
    """Endless input words: noise, impulses, rails, zero input and worst cases in random order.

    On average every other zero-input run exceeds the memory's window. A worst case is whole, as
    long as what it drives remembers.

    Attributes
    ----------
    steps : Counter
        Steps of each class so far.
    """

    def __init__(self, program: Program, seed: int) -> None:
        inputs = program.with_role(Role.INPUT)
        self._low = np.concatenate([np.full(v.length, v.fmt.min) for v in inputs])
        self._high = np.concatenate([np.full(v.length, v.fmt.max) for v in inputs])
        self._window, self._rng = window(program), np.random.default_rng(seed)
        self._worst = worst_case(program).inputs
        self._left = np.empty((0, len(self._low)), dtype=np.int64)
        self._pieces = self._endless()
        self.steps: Counter[str] = Counter()

    def take(self, n_steps: int) -> np.ndarray:
        """Return the next steps, shape (n_steps, n_in)."""
        parts, wanted = [], n_steps
        while wanted:
            if not len(self._left):
                self._left = next(self._pieces)
            parts.append(self._left[:wanted])
            self._left = self._left[wanted:]
            wanted -= len(parts[-1])
        return np.concatenate(parts)

    def _endless(self) -> Iterator[np.ndarray]:
        kinds: dict[str, Callable[[int], np.ndarray]] = {
            "noise": self._noise,
            "impulses": self._impulses,
            "rail": lambda n: np.repeat(self._ends(1), n, axis=0),
            "silence": self._silence,
        }
        names = [*list(kinds) * PIECES, "worst case"]
        kinds["worst case"] = lambda _: self._worst
        while True:
            for name in self._rng.permutation(names).tolist():
                longest = max(SHORTEST + 1, 2 * self._window)
                # a pause of some steps is as likely as one of a window
                n = int(np.exp(self._rng.uniform(np.log(SHORTEST), np.log(longest))))
                piece = kinds[name](n)
                if not len(piece):
                    continue  # nothing is known of the worst case of a network
                self.steps[name] += len(piece)
                yield piece

    def _silence(self, n: int) -> np.ndarray:
        n += self._window * int(self._rng.integers(2))
        return np.zeros((n, len(self._low)), dtype=np.int64)

    def _noise(self, n: int) -> np.ndarray:
        return self._rng.integers(self._low, self._high, (n, len(self._low)), endpoint=True)

    def _impulses(self, n: int) -> np.ndarray:
        hit = self._rng.random((n, len(self._low))) < IMPULSES
        return np.where(hit, self._ends(n), 0)

    def _ends(self, n: int) -> np.ndarray:
        choice = self._rng.random((n, len(self._low))) < 0.5
        return np.where(choice, self._low, self._high)


@dataclass
class Report:
    """What was compared.

    Attributes
    ----------
    steps, blocks : int
        Of each build, and their digests.
    checked : int
        Steps that the interpreter computed too.
    silent : int
        Blocks that began in a zero-input run as long as a window.
    digest : str
        Of all words of the last block and those before.
    classes : Counter
        Steps by class of stimulus.
    """

    steps: int = 0
    blocks: int = 0
    checked: int = 0
    silent: int = 0
    digest: str = ""
    classes: Counter[str] = field(default_factory=Counter)


def soak(
    program: Program,
    builds: dict[str, BulkEngine],
    n_steps: int,
    *,
    seed: int,
    n_windows: int,
    window_steps: int,
) -> Report:
    """Run builds of a program side by side without a reset.

    Parameters
    ----------
    program : Program
        With outputs that it asks for itself.
    builds : dict of str to BulkEngine
        One stream each, from reset.
    n_steps : int
        At least.
    seed : int
    n_windows, window_steps : int
        Blocks in which the interpreter runs too, and how many of their first steps.

    Raises
    ------
    AssertionError
        If digests of a block, or a word or state of the interpreter, differ.
    """
    stimulus, report = Stimulus(program, seed), Report()
    n_blocks = -(-n_steps // BLOCK)
    chosen = set(np.linspace(0, n_blocks - 1, n_windows).astype(int).tolist())
    digests = {name: hashlib.sha256() for name in builds}
    first = next(iter(builds.values()))
    probe, reference = first.with_streams(1), Interpreter(program)
    counter = _place(program)
    for block in range(n_blocks):
        u = stimulus.take(BLOCK)[:, None]
        before = first.save()
        report.silent += int(before[0, counter] == window(program))
        outputs = {}
        for name, build in builds.items():
            outputs[name] = build.run(u)
            digests[name].update(outputs[name].tobytes())
            digests[name].update(build.save().tobytes())
        found = {name: digest.hexdigest() for name, digest in digests.items()}
        assert len(set(found.values())) == 1, f"digests of block {block} differ: {found}"
        if block in chosen:
            part = u[:window_steps]
            reference.load(before)
            probe.load(before)
            words = reference.run(part)
            np.testing.assert_array_equal(outputs[next(iter(builds))][: len(words)], words)
            np.testing.assert_array_equal(probe.run(part), words)
            np.testing.assert_array_equal(probe.save(), reference.save())
            report.checked += len(part)
    report.steps, report.blocks = n_blocks * BLOCK, n_blocks
    report.digest, report.classes = found[next(iter(builds))], stimulus.steps
    return report


def _place(program: Program) -> int:
    """Return the index of the first memory's zero-run counter in the state."""
    names = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
    memories = [op for op in program.ops if hasattr(op, "silence")]
    return names.index(memories[0].silence)
