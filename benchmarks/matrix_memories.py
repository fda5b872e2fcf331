"""Memories whose matrix is wrong, for matrix_bits.py: a moved diagonal, or rounded coefficients.

They read digits pixel by pixel; their features are the coefficients after the last pixel.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch

import lmu_hw as lh
from lmu_hw.firmware.bulk import BulkEngine
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import StateSpace, state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.program.fixedpoint import to_real
from lmu_hw.program.integer_program import MemoryUpdate, Program, Role
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.quantize.rounded_memory import round_dense
from lmu_hw.train import script
from lmu_hw.train.trainable_memory import Recursion

Array = np.ndarray
Features = Callable[[Array], Array]
"""Maps pixels (n, n_steps) to coefficients (n, d)."""
SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
ORDERS = "the LMU paper's repository (key nru_paper)"
LARGE, SMALL = (256, 784), (64, 196)
"""Order and window of whole images, and of images of 14 by 14 pixels."""
PIXEL_BITS = 10
"""A pixel p, 0 to 1020, is the input p / 2**10."""
INPUT_BITS, STATE_BITS, WIDEST = 12, 28, 16
"""Pixels are exact in these words, and states far finer than coefficients of up to 16 bits."""
VALIDATION, TOGETHER = 10_000, 5000


class Digits:
    """MNIST as sequences of pixels: digits to train on, and to score.

    Parameters
    ----------
    options : Namespace
        Of ``data``, ``validate`` and ``limit``. With ``validate`` the last 10,000 training digits
        are scored, and not trained on.
    size : tuple of int
        ``LARGE`` or ``SMALL``.

    Attributes
    ----------
    u, test_u : int64 array, shape (n, n_steps)
        Pixels times 4, or sums of four pixels: 0 to 1020.
    y, test_y : int64 tensor, shape (n,)
    """

    def __init__(self, options: Namespace, size: tuple[int, int]) -> None:
        steps = size[1]
        order = np.random.default_rng(0).permutation(steps)
        if size == LARGE:
            path = script.find(options, "mnist", "psmnist_permutations.npz", source=ORDERS)
            with np.load(path, allow_pickle=False) as orders:
                order = orders["nru_paper"]
        path = script.find(options, "mnist", "mnist.npz", source=SOURCE)
        with np.load(path, allow_pickle=False) as data:
            parts = [(data[f"x_{part}"], data[f"y_{part}"]) for part in ("train", "test")]
        if options.validate:
            x, y = parts[0]
            parts = [(x[:-VALIDATION], y[:-VALIDATION]), (x[-VALIDATION:], y[-VALIDATION:])]
        found = []
        for images, labels in parts:
            x = sequences(images[: options.limit], steps)[:, order]
            found.append((x, torch.tensor(labels[: options.limit].astype(np.int64))))
        (self.u, self.y), (self.test_u, self.test_y) = found


def sequences(images: Array, steps: int) -> Array:
    """Return images of bytes (n, 28, 28) as rows of pixels, 0 to 1020."""
    k = round((784 // steps) ** 0.5)
    n = 28 // k
    sums = images.reshape(-1, n, k, n, k).sum(axis=(2, 4), dtype=np.int64)
    return np.asarray(sums.reshape(-1, steps) * (4 // k**2))


def moved(size: tuple[int, int], eps: float) -> StateSpace:
    """Return a memory with eps added to every element of the diagonal of Abar."""
    order, theta = size
    exact = discretize(state_space(order), theta, Discretizer.ZOH)
    assert exact.poles is not None, "known of every Legendre memory"
    return replace(exact, A=exact.A + eps * np.eye(order), poles=exact.poles + eps)


def float_features(system: StateSpace) -> Features:
    """Return the features of a memory in float64: the pixels times its impulse response."""
    Abar, Bbar = torch.tensor(system.A + np.eye(system.order)), torch.tensor(system.B)
    recursion = Recursion(Abar=Abar[None], Bbar=Bbar[None])

    def features(u: Array) -> Array:
        response = recursion.responses(u.shape[1])[:, 0].numpy()
        return np.asarray(u / 2.0**PIXEL_BITS @ response[::-1])

    return features


class Rounded:
    """A memory with rounded coefficients, in integers.

    Parameters
    ----------
    kind : str
        ``cascade`` or ``dense``.
    coef_bits : int
    size : tuple of int
        Order and window.

    Attributes
    ----------
    program : Program
    readout : float array, shape (d, d)
        Maps the real values of the state to coefficients.
    stable : bool
        False where lmu-hw refuses the memory. The program then has the formats of 16-bit
        coefficients, and its states saturate.
    """

    def __init__(self, kind: str, coef_bits: int, size: tuple[int, int] = SMALL) -> None:
        self.stable = True
        try:
            design = designed(kind, coef_bits, size)
            self.program = design.program
        except lh.errors.UnstableError:
            self.stable, design = False, designed(kind, WIDEST, size)
            self.program = with_matrix(design.program, size, coef_bits)
        self.readout: Array = design.quantized.readout  # type: ignore[union-attr]

    @cached_property
    def engine(self) -> BulkEngine:
        """The compiled C."""
        return BulkEngine(with_output_every(self.program, 0), n_threads=1)

    def words(self, u: Array) -> Array:
        """Return all state words after the last step, shape (n, n_state)."""
        parts = []
        for part in np.array_split(self.input_words(u), -(-len(u) // TOGETHER)):
            engine = self.engine.with_streams(len(part))
            engine.run(part.T[:, :, None])
            parts.append(engine.save())
        return np.concatenate(parts)

    def input_words(self, u: Array) -> Array:
        """Return pixels as the program's input words, exactly."""
        (source,) = self.program.with_role(Role.INPUT)
        return u << (source.fmt.frac_bits - PIXEL_BITS)

    def features(self, u: Array) -> Array:
        """Return the coefficients that the state words stand for."""
        states = self.program.with_role(Role.STATE)
        parts = np.split(self.words(u), np.cumsum([v.length for v in states])[:-1], axis=1)
        # the last one counts steps without input
        values = [to_real(x, v.fmt) for x, v in zip(parts[:-1], states[:-1], strict=True)]
        return np.asarray(np.concatenate(values, axis=1) @ self.readout.T)


def designed(kind: str, coef_bits: int, size: tuple[int, int]) -> lh.Design:
    """Return a memory as lmu-hw makes it; UnstableError where it refuses."""
    memory = lh.Memory(size[0], theta=size[1])
    widths = {"coef_bits": coef_bits, "state_bits": STATE_BITS}
    return lh.compile(memory, bits=INPUT_BITS, realization=kind, output="state", widths=widths)


def with_matrix(program: Program, size: tuple[int, int], coef_bits: int) -> Program:
    """Return the program of a dense memory with a matrix of fewer bits."""
    rounded = round_dense(moved(size, 0.0), coef_bits)
    formats = {v.name: v.fmt for v in program.vectors}
    first, *others = program.ops
    assert isinstance(first, MemoryUpdate)
    return replace(program, ops=(rounded.operation(formats, first.window), *others))
