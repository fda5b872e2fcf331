"""Which neuron fires in which step, recorded from the interpreter.

An address is the index of a neuron in an array of shape (channels, states, 2, H): the channel, the
state in the order of the sections (outer before inner), the sign of what the spike stands for (0:
positive, 1: negative), and the neuron in its population. Integrate-and-fire neurons have staggered
phases: neuron i fires first when the sum of its inputs reaches (i + 1/2) / H of full scale, and
those of a population fire in turn.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

from .._support.array_types import AnyArray, Words
from .._support.build_directory import write_file
from ..errors import EmitError, SpecError, reason_of
from ..program.integer_program import Program, Role, Spiking
from ..program.spiking_step import spikes
from .spike_files import draw_raster, write_array

BUFFER = 1 << 20
"""Spikes that are held in memory; the rest is in temporary files."""
RASTER = (1200, 600)
"""Most columns and rows of a raster."""


class SpikeLog:
    """Spikes of recordings, kept in temporary files until they are written; a context manager.

    Parameters
    ----------
    program : Program
    n_recordings : int

    Raises
    ------
    SpecError
        If the program has no neurons.
    EmitError
        If the temporary directory is full.
    """

    def __init__(self, program: Program, n_recordings: int) -> None:
        self._program = program
        self._op = spiking_operation(program)
        n_channels, d = program.channels(self._op), len(self._op.quanta)
        self.shape = (n_channels, d, 2, 1 << self._op.population)
        self._states = [v.name for v in program.with_role(Role.STATE)]
        self._before: dict[str, Words] = {}
        self._sums: Words = np.zeros(0, dtype=np.int64)
        self._step = 0
        self._at: AnyArray = np.zeros(0, dtype=np.int64)
        self._held: list[Words] = []
        self._n_held = 0
        self._address, self._time = _Spool(_kind(self.n_neurons)), _Spool(np.dtype("<i8"))
        self._first = np.zeros(n_recordings, dtype=np.int64)
        self._count = np.zeros(n_recordings, dtype=np.int64)

    @property
    def n_neurons(self) -> int:
        """Neurons of all channels."""
        return int(np.prod(self.shape))

    @property
    def n_spikes(self) -> int:
        """Spikes recorded so far."""
        return int(self._count.sum())

    @property
    def batch_values(self) -> int:
        """Most input words of recordings that may run together."""
        return max(1, BUFFER // self.n_neurons) * self._program.n_words(Role.INPUT)

    def __enter__(self) -> SpikeLog:
        return self

    def __exit__(self, *error: object) -> None:
        self._address.close()
        self._time.close()

    def start(self, at: AnyArray) -> Callable[[Mapping[str, Words]], None]:
        """Begin a batch of recordings, all from reset; return what watches the interpreter."""
        vector = self._program.vector
        self._before = {
            name: np.zeros((len(at), vector(name).length), dtype=np.int64) for name in self._states
        }
        self._sums = np.zeros((len(at), *self.shape[:2]), dtype=np.int64)
        self._step, self._at = 0, at
        return self._watch

    def finish(self) -> None:
        """End a batch of recordings."""
        self._flush()

    def _watch(self, words: Mapping[str, Words]) -> None:
        """Record the spikes of a step from the states before it and the words after it."""
        op = self._op
        silent = words[op.silence] == op.window
        found = spikes(self._program, op, self._before, silent, which=bool(op.generators))
        if found.fired is None:
            where = self._in_turn(found.counts, silent)
        else:
            stream, channel, state, neuron = np.nonzero(found.fired)
            side = (found.counts < 0)[stream, channel, state].astype(np.int64)
            where = (stream, channel, state, side, neuron)
        address = np.ravel_multi_index(where[1:], self.shape)
        self._held.append(np.stack([where[0], address, np.full_like(address, self._step)]))
        self._n_held += len(address)
        self._before = {name: words[name].copy() for name in self._states}
        self._step += 1
        if len(self._at) == 1 and self._n_held > BUFFER:
            self._flush()

    def _in_turn(self, counts: Words, silent: AnyArray) -> tuple[Words, ...]:
        """Return the indices of the staggered neurons that fire; a zero-input run resets them."""
        before = np.where(silent[:, :, None], 0, self._sums)
        self._sums = before + counts
        n = np.abs(counts).ravel()
        state = np.repeat(np.arange(n.size), n)
        i = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        down = (counts < 0).ravel()[state]
        # the level between two sums that this spike crosses
        level = before.ravel()[state] + np.where(down, -1 - i, i)
        return (
            *np.unravel_index(state, counts.shape),
            down.astype(np.int64),
            level % self.shape[3],
        )

    def _flush(self) -> None:
        """Move the spikes in memory to the temporary files, those of a recording together."""
        if not self._held:
            return
        stream, address, time = np.concatenate(self._held, axis=1)
        order = np.argsort(stream, kind="stable")
        counts = np.bincount(stream, minlength=len(self._at))
        new = self._count[self._at] == 0
        starts = self._address.length + np.cumsum(counts) - counts
        self._first[self._at] = np.where(new, starts, self._first[self._at])
        self._count[self._at] += counts
        self._address.append(address[order])
        self._time.append(time[order])
        self._held, self._n_held = [], 0

    def events(self, recording: int = 0) -> tuple[Words, Words]:
        """Return address and step of every spike of a recording, in the order of time.

        Returns
        -------
        address, time : int64 array, shape (n,)
        """
        first, n = int(self._first[recording]), int(self._count[recording])
        address, time = (
            np.concatenate([np.zeros(0, dtype=np.int64), *spool.read(first, n)])
            for spool in (self._address, self._time)
        )
        return address, time

    def write(self, target: Path, lengths: AnyArray) -> None:
        """Write the spikes of all recordings, one after the other.

        Parameters
        ----------
        target : Path
            .npz: ``address`` (n,), ``time`` (n,), the step of its recording from 0, ``offset``
            (n_recordings + 1,): recording i has the spikes from ``offset[i]`` to
            ``offset[i + 1]``; ``shape`` (4,): a neuron is ``numpy.unravel_index(address, shape)``.
            .png: a raster, address over time.
        lengths : int array, shape (n_recordings,)
            Steps of the recordings.

        Raises
        ------
        EmitError
            If the file cannot be written.
        """
        if target.suffix.lower() == ".png":
            picture = self.raster(lengths)
            write_file(
                target, lambda file: draw_raster(file, picture, int(lengths.sum()), self.shape)
            )
        else:
            write_file(target, self._write_data)

    def _write_data(self, file: BinaryIO) -> None:
        offset = np.concatenate([[0], np.cumsum(self._count)])
        with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
            for name, spool in (("address", self._address), ("time", self._time)):
                parts = (part for _, part in self._parts(spool))
                write_array(archive, name, spool.kind, self.n_spikes, parts)
            for name, values in (("offset", offset), ("shape", np.array(self.shape))):
                write_array(archive, name, np.dtype("<i8"), len(values), [values.astype("<i8")])

    def _parts(self, spool: _Spool) -> Iterator[tuple[int, AnyArray]]:
        """Yield a spool in the order of the recordings, in pieces: recording, values."""
        for recording, (first, n) in enumerate(zip(self._first, self._count, strict=True)):
            for part in spool.read(int(first), int(n)):
                yield recording, part

    def raster(self, lengths: AnyArray) -> AnyArray:
        """Return which share of neurons and steps fired in each cell of a picture."""
        total = max(1, int(lengths.sum()))
        columns, rows = min(RASTER[0], total), min(RASTER[1], self.n_neurons)
        starts = np.cumsum(lengths) - lengths
        cells = np.zeros(rows * columns, dtype=np.int64)
        pairs = zip(self._parts(self._address), self._parts(self._time), strict=True)
        for (recording, address), (_, time) in pairs:
            row = address.astype(np.int64) * rows // self.n_neurons
            column = (starts[recording] + time) * columns // total
            cells += np.bincount(row * columns + column, minlength=cells.size)
        size = self.n_neurons / rows * total / columns
        return np.asarray(cells.reshape(rows, columns) / size)


class _Spool:
    """An array of one dimension in a temporary file."""

    def __init__(self, kind: np.dtype[Any]) -> None:
        self.kind = kind
        self.length = 0
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def close(self) -> None:
        self._file.close()

    def append(self, values: AnyArray) -> None:
        try:
            self._file.write(values.astype(self.kind).tobytes())
        except OSError as error:
            raise EmitError(
                f"spikes do not fit the temporary directory {tempfile.gettempdir()}: "
                f"{reason_of(error)}; set TMPDIR to a larger one, or simulate fewer steps"
            ) from error
        self.length += len(values)

    def read(self, first: int, n: int) -> Iterator[AnyArray]:
        """Yield ``n`` values from ``first`` on, in pieces."""
        for start in range(first, first + n, BUFFER):
            self._file.seek(start * self.kind.itemsize)
            size = min(BUFFER, first + n - start)
            yield np.frombuffer(self._file.read(size * self.kind.itemsize), dtype=self.kind)


def spiking_operation(program: Program) -> Spiking:
    """Return the memory update with neurons.

    Raises
    ------
    SpecError
        Unless there is exactly one.
    """
    found = [op for op in program.ops if isinstance(op, Spiking)]
    if len(found) != 1:
        raise SpecError(
            f"--spikes is for a design with one memory on neurons, not {len(found)}: "
            "generate it with --realization spiking"
        )
    return found[0]


def _kind(n_neurons: int) -> np.dtype[Any]:
    return np.dtype("<i4" if n_neurons <= 1 << 31 else "<i8")
