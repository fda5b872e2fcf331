"""The emitted Verilog with its state port, as machine code, driven from Python cycle by cycle.

Instances share one core as docs/reference/interfaces.md says: the state of one leaves before that
of another enters. Words and commands follow each other as fast as the core takes them, so that a
command comes while a step runs, and outputs leave while another instance's words come.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lmu_hw._support import yosys
from lmu_hw._support.subprocesses import compile_files, load_library
from lmu_hw.program.integer_program import Program, Role
from lmu_hw.rtl.schedule import Schedule, payload_bits, schedule
from lmu_hw.rtl.state_port import StateCommand
from lmu_hw.verify.backends.compiled_model import compiler
from tests.contract.script import Saved
from tests.rtl.bench import write_build_dir

IN = ("rst", "i_valid", "i_word", "i_last", "o_ready", "asks", "command")
IN += ("state_i_valid", "state_i_word", "state_o_ready")
OUT = ("i_ready", "o_valid", "o_word", "o_last", "takes")
OUT += ("state_i_ready", "state_o_valid", "state_o_word", "state_o_last")
"""Pins by their place in core.cpp."""

Word = tuple[int, bool]
"""An input word, and whether it asks for an output."""


def compiled(
    program: Program,
    lanes: int,
    build_dir: Path,
    *,
    broken: Callable[[str], str] = lambda text: text,
    optimize: str = "-O0",
) -> ctypes.CDLL:
    """Return the design of a program as a library, its Verilog first changed by ``broken``."""
    rtl = write_build_dir(program, build_dir, lanes=lanes, state_port=True) / "rtl"
    design = rtl / "lmu.v"
    design.write_text(broken(design.read_text()))
    yosys.run(
        "read_verilog lmu.v; hierarchy -check -top lmu; rename -top dut; write_cxxrtl -g0 dut.cc",
        rtl,
    )
    line = [optimize, "-std=c++14", "-DCXXRTL_NDEBUG", "-fPIC", "-shared", "-fvisibility=hidden"]
    line += [] if program.output_every else ["-DI_LAST"]
    line += ["-I", str(yosys.include_dir()), "-I", str(rtl)]
    source = Path(__file__).with_name("core.cpp")
    compile_files(compiler(), [*line, str(source), "-o", "core.so"], label="core.cpp", cwd=rtl)
    library = load_library(rtl / "core.so")
    library.core_open.restype = ctypes.c_void_p
    library.core_close.argtypes = [ctypes.c_void_p]
    library.core_cycle.argtypes = [ctypes.c_void_p] * 3
    return library


class Core:
    """A design, and what waits to enter it; every stream stalls with the given probability.

    ``late`` readers take a word only when it has been offered to them: a design must not wait for
    ``ready``, and what it offers stays as it is.
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        program: Program,
        plan: Schedule,
        stalls: float,
        late: bool,
        seed: int,
    ) -> None:
        self._library, self._program, self._plan = library, program, plan
        self._core = library.core_open()
        self._in, self._out = np.zeros(len(IN), np.uint64), np.zeros(len(OUT), np.uint64)
        self._addresses = self._in.ctypes.data, self._out.ctypes.data
        self._stalls, self._late, self._rng = stalls, late, np.random.default_rng(seed)
        self._shown: list[int | None] = [None, None]
        self._out_bits = payload_bits(program.with_role(Role.OUTPUT))
        self._state_bits = payload_bits(program.with_role(Role.STATE))
        self._in_mask = _mask(payload_bits(program.with_role(Role.INPUT))[0])
        self._state_mask = _mask(self._state_bits[0])
        self._n_state = program.n_words(Role.STATE)
        self._patience = 20 * (plan.due.cycles + 8 * self._n_state + plan.rows) + 2000
        self.waiting: deque[Word | StateCommand] = deque()
        self.loading: deque[int] = deque()
        self._offered = self._load_offered = False
        self.outputs: list[int] = []
        self.saved: list[int] = []

    def close(self) -> None:
        self._library.core_close(self._core)

    def until(self, done: Callable[[], bool]) -> None:
        """Let the clock run until something is so."""
        idle = 0
        while not done():
            idle = 0 if self.cycle() else idle + 1
            assert idle < self._patience, "the core is stuck"

    def rest(self) -> None:
        """Let the clock run until nothing can come any more."""
        self.until(lambda: not self.waiting and not self.loading)
        quiet, most = 0, self._plan.due.cycles + 4 * self._n_state + 40
        stalls, self._stalls = self._stalls, 0.0
        while quiet < most:
            quiet = 0 if self.cycle() else quiet + 1
        self._stalls = stalls

    def restart(self) -> None:
        """Reset for one clock edge."""
        self._in[:] = 0
        self._in[0] = 1
        self._edge()
        self._in[:] = 0
        self._offered = self._load_offered = False
        self._shown = [None, None]

    def cycle(self) -> bool:
        """Let one cycle pass; return whether anything moved."""
        item = self.waiting[0] if self.waiting else None
        self._offered = item is not None and (self._offered or not self._holds())
        self._load_offered = bool(self.loading) and (self._load_offered or not self._holds())
        asks = self._offered and isinstance(item, StateCommand)
        gives = self._offered and not asks
        # what is not offered is noise
        word, last = item if isinstance(item, tuple) else (~int(self._in[2]), True)
        command = (item if isinstance(item, StateCommand) else StateCommand.LOAD).value
        state_word = self.loading[0] if self.loading else ~int(self._in[8])
        self._in[:] = (
            *(0, gives, word & self._in_mask, last, self._reads(self._shown[0])),
            *(asks, command, self._load_offered, state_word & self._state_mask),
            self._reads(self._shown[1]),
        )
        self._edge()
        ready, valid, out, out_last, takes, loads, saves, kept, kept_last = self._out.tolist()
        for k, offers, word, read in ((0, valid, out, self._in[4]), (1, saves, kept, self._in[9])):
            assert self._shown[k] in (None, word if offers else None), "changed while it waited"
            self._shown[k] = word if offers and not read else None
        moved = False
        if (asks and takes) or (gives and ready):
            self.waiting.popleft()
            self._offered, moved = False, True
        if self._load_offered and loads:
            self.loading.popleft()
            self._load_offered, moved = False, True
        if valid and self._in[4]:
            self.outputs.append(_extended(out, *self._out_bits))
            assert out_last == (len(self.outputs) % self._plan.n_out == 0)
            moved = True
        if saves and self._in[9]:
            self.saved.append(_extended(kept, *self._state_bits))
            assert kept_last == (len(self.saved) % self._n_state == 0)
            moved = True
        return moved

    def _edge(self) -> None:
        self._library.core_cycle(self._core, *self._addresses)

    def _reads(self, shown: int | None) -> bool:
        return not self._holds() and (shown is not None or not self._late)

    def _holds(self) -> bool:
        return bool(self._stalls) and bool(self._rng.random() < self._stalls)


class RtlInstances:
    """Instances that share a core."""

    def __init__(
        self,
        library: ctypes.CDLL,
        program: Program,
        lanes: int,
        n_instances: int,
        stalls: float = 0.0,
        late: bool = False,
        seed: int = 0,
    ) -> None:
        plan = schedule(program, lanes, state_port=True)
        self._program, self._n_state = program, program.n_words(Role.STATE)
        self._core = Core(library, program, plan, stalls, late, seed)
        self._n_instances, self._in_core = n_instances, 0
        self._parked: list[Saved | None] = [None] * n_instances
        self._owners: list[int] = []
        # which steps have an output is for the interpreter to say
        self._due = [_Clock(program) for _ in range(n_instances)]

    def run(self, instance: int, inputs: np.ndarray, due: np.ndarray | None) -> None:
        self._enter(instance)
        due = self._due[instance].steps(len(inputs)) if due is None else due
        for row, asked in zip(inputs.tolist(), due.tolist(), strict=True):
            # between the first words of a step i_last is not looked at
            self._core.waiting += [(word, not asked) for word in row[:-1]]
            self._core.waiting.append((row[-1], asked))
        self._owners += [instance] * int(np.count_nonzero(due))

    def reset(self, instance: int) -> None:
        if self._n_instances == 1:
            self._core.rest()
            self._core.restart()
        elif self._in_core == instance:
            self._core.waiting.append(StateCommand.CLEAR)
        else:
            self._parked[instance] = None
        self._due[instance].count = 0

    def save(self, instance: int) -> Saved:
        self._enter(instance)
        return self._save()

    def load(self, instance: int, saved: Saved) -> None:
        self._enter(instance)
        self._load(saved)
        self._due[instance].load(saved)

    def finish(self) -> list[list[int]]:
        self._core.rest()
        n_out = self._program.n_words(Role.OUTPUT)
        words = np.array(self._core.outputs, dtype=np.int64).reshape(-1, n_out)
        self._core.close()
        assert len(words) == len(self._owners)
        owners = np.array(self._owners, dtype=np.int64)
        return [words[owners == k].ravel().tolist() for k in range(self._n_instances)]

    def _enter(self, instance: int) -> None:
        if instance == self._in_core:
            return
        self._parked[self._in_core] = self._save()
        self._load(self._parked[instance])
        self._in_core = instance

    def _save(self) -> Saved:
        core = self._core
        n_words = len(core.saved) + self._n_state
        core.waiting.append(StateCommand.SAVE)
        core.until(lambda: len(core.saved) == n_words)
        return Saved(tuple(core.saved[-self._n_state :]))

    def _load(self, saved: Saved | None) -> None:
        if saved is None:
            self._core.waiting.append(StateCommand.CLEAR)
        else:
            self._core.waiting.append(StateCommand.LOAD)
            self._core.loading += saved.words


class _Clock:
    """Counts the steps since the last output of an instance."""

    def __init__(self, program: Program) -> None:
        self._every, self.count = program.output_every, 0
        words = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
        self._at = words.index(program.clock) if program.clock else 0

    def steps(self, n_steps: int) -> np.ndarray:
        count = self.count + np.arange(1, n_steps + 1)
        self.count = (self.count + n_steps) % self._every
        return np.asarray(count % self._every == 0)

    def load(self, saved: Saved) -> None:
        self.count = saved.words[self._at] if self._every > 1 else 0


def _mask(width: int) -> int:
    return (1 << width) - 1


def _extended(word: int, width: int, signed: bool) -> int:
    top = 1 << (width - 1)
    return (word ^ top) - top if signed else word
