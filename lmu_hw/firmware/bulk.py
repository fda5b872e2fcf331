"""The generated C as a fast executor: compiled into a shared library and driven through ctypes.

It exists to run millions of steps; its words are those of `~lmu_hw.interpreter.Interpreter`.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import ModelFileError, SpecError, ToolError
from ..program import Program, Role
from ..templates import environment
from . import emit

Words = npt.NDArray[np.int64]

_CHUNK_MULTIPLIES = 1 << 27
"""Multiplications between two looks at Ctrl-C: a fraction of a second on any desktop."""
_CHUNK_WORDS = 1 << 22
"""Words in and out that are converted at a time: bounds the memory that a long run takes."""


class BulkEngine:
    """Runs a program over a batch of independent streams, in compiled C.

    Parameters
    ----------
    program : Program
    n_streams : int
        Independent copies of the state, >= 1.

    Raises
    ------
    ToolError
        If there is no C compiler, or it fails.
    """

    def __init__(self, program: Program, n_streams: int = 1) -> None:
        with tempfile.TemporaryDirectory(prefix="lmu_hw_") as folder:
            for file, text in emit(program, version="bulk").items():
                (Path(folder) / file).write_text(text)
            self._open(program, n_streams, _compile(Path(folder), program.name))

    @classmethod
    def from_folder(cls, program: Program, c_dir: Path, n_streams: int = 1) -> BulkEngine:
        """Return an engine made of the C files that lie in ``c_dir``, not of fresh ones.

        Raises
        ------
        ModelFileError
            If a file is missing, or was generated from another program.
        ToolError
            If there is no C compiler, or it fails.
        """
        engine = cls.__new__(cls)
        engine._open(program, n_streams, _compile(c_dir, program.name))
        return engine

    def _open(self, program: Program, n_streams: int, library: ctypes.CDLL) -> None:
        layout = [int(n) for n in (ctypes.c_size_t * 7).in_dll(library, "bulk_layout")]
        digest = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "bulk_digest")))
        n_words = [program.n_words(role) for role in (Role.INPUT, Role.OUTPUT, Role.STATE)]
        if digest.decode("ascii", "replace") != program.digest or layout[4:] != n_words:
            raise ModelFileError("C files are not those of the program; generate the folder again")
        self.program = program
        self.n_streams = n_streams
        self._in, self._out, self._word = (np.dtype(f"i{size}") for size in layout[1:4])
        self._n_in, self._n_out, self._n_state = n_words
        # As int64 for the alignment that every state structure is content with.
        self._state = np.zeros(-(-layout[0] * n_streams // 8), dtype=np.int64)
        self._library = library
        pointer, count = ctypes.c_void_p, ctypes.c_size_t
        library.bulk_reset.argtypes = [pointer, count]
        library.bulk_save.argtypes = library.bulk_load.argtypes = [pointer, count, pointer]
        library.bulk_run.argtypes = [pointer, count, count, pointer, pointer]

    def reset(self) -> None:
        """Set every state word to zero."""
        self._library.bulk_reset(self._state.ctypes.data, self.n_streams)

    def save(self) -> Words:
        """Return the state words, shape (n_streams, n_state), in the order of the vectors."""
        words = np.empty((self.n_streams, self._n_state), self._word)
        self._library.bulk_save(self._state.ctypes.data, self.n_streams, words.ctypes.data)
        return words.astype(np.int64)

    def load(self, state: Words) -> None:
        """Set the state words to what `save` returned.

        Raises
        ------
        RangeError
            If a word does not fit its format; the state is then as it was.
        SpecError
            If the shape is wrong.
        """
        shape = (self.n_streams, self._n_state)
        if state.shape != shape:
            raise SpecError(f"state has shape {state.shape} but should be {shape}")
        _check_words(self.program, Role.STATE, state)
        words = np.ascontiguousarray(state, self._word)
        refused = self._library.bulk_load(
            self._state.ctypes.data, self.n_streams, words.ctypes.data
        )
        assert not refused, "C and Python disagree about a range"

    def run(self, inputs: Words, progress: Callable[[int], object] | None = None) -> Words:
        """Run one step for each row of ``inputs``.

        Parameters
        ----------
        inputs : int array, shape (n_steps, n_streams, n_in)
            Words of the input vectors, concatenated.
        progress : callable, optional
            Called with the number of steps done so far, several times a second. Ctrl-C is seen
            between two calls.

        Returns
        -------
        int array, shape (n_steps, n_streams, n_out)

        Raises
        ------
        RangeError
            If an input word does not fit its format.
        SpecError
            If the shape is wrong.
        """
        if inputs.ndim != 3 or inputs.shape[1:] != (self.n_streams, self._n_in):
            raise SpecError(
                f"inputs have shape {inputs.shape} but should be"
                f" (steps, {self.n_streams}, {self._n_in})"
            )
        _check_words(self.program, Role.INPUT, inputs)
        outputs = np.empty((len(inputs), self.n_streams, self._n_out), dtype=np.int64)
        work = self.n_streams * max(self.program.multiplies_per_step, 1)
        row = self.n_streams * (self._n_in + self._n_out)
        chunk = max(1, min(_CHUNK_MULTIPLIES // work, _CHUNK_WORDS // row))
        for start in range(0, len(inputs), chunk):
            u = np.ascontiguousarray(inputs[start : start + chunk], self._in)
            y = np.empty((len(u), self.n_streams, self._n_out), self._out)
            self._library.bulk_run(
                self._state.ctypes.data, self.n_streams, len(u), u.ctypes.data, y.ctypes.data
            )
            outputs[start : start + len(u)] = y
            if progress is not None:
                progress(start + len(u))
        return outputs


def available() -> bool:
    """Return whether there is a C compiler."""
    return bool(_compiler())


def _compiler() -> list[str]:
    """Return the C compiler's command: $CC, else the first known one on the path, else nothing."""
    chosen = shlex.split(os.environ.get("CC", ""))
    for command in [chosen] if chosen else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    return []


def _compile(c_dir: Path, name: str) -> ctypes.CDLL:
    """Compile ``name``.c of ``c_dir`` with the run loop around it, and load the result."""
    command = _compiler()
    if not command:
        raise ToolError(
            f"no C compiler ({os.environ.get('CC') or 'cc, gcc, clang'}):"
            " install a C compiler, e.g. apt-get install gcc"
        )
    sources = [c_dir / f"{name}.c", c_dir / f"{name}.h"]
    for path in sources:
        if not path.is_file():
            raise ModelFileError(f"cannot read {path}: no such file; generate the folder again")
    with tempfile.TemporaryDirectory(prefix="lmu_hw_") as folder:
        bulk, library = Path(folder) / "bulk.c", Path(folder) / "bulk.so"
        text = environment().get_template("c/bulk.c.j2").render(p=name, P=name.upper())
        bulk.write_text(text)
        flags = ["-std=c99", "-O3", "-fPIC", "-shared", "-I", str(c_dir)]
        files = ["-o", str(library), str(bulk), str(sources[0])]
        # Not every compiler knows the machine it runs on: then without.
        for tune in (["-march=native"], []):
            line = (*command, *flags, *tune, *files)
            result = subprocess.run(line, capture_output=True, text=True, check=False)
            if result.returncode == 0:
                # The file may go once it is loaded: the mapping keeps what it needs.
                return ctypes.CDLL(str(library))
    said = result.stderr.strip().splitlines() or ["no message"]
    first = next((text for text in said if "error" in text), said[-1])
    raise ToolError(
        f"{command[0]} could not compile {sources[0]}: {first}",
        command=line,
        exit_code=result.returncode,
        tail="\n".join(said[-10:]),
    )


def _check_words(program: Program, role: Role, words: Words) -> None:
    start = 0
    for v in program.with_role(role):
        if words.size:
            v.fmt.check(words[..., start : start + v.length], v.name)
        start += v.length
