"""`LiveDesign`: a build directory made ready to run live."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import SpecError
from ..firmware import bulk
from ..firmware.bulk import BulkEngine
from ..manifest import MemoryManifest, load_manifest
from ..memory.spec import LMUSpec, OutputKind
from ..models.network import FloatNetwork
from ..program.integer_program import Program, Role, Vector
from ..program.interpreter import Interpreter
from ..proof.claims import PredictedError
from ..verify.load_build import load_program
from .float_reference import FloatReference, MemoryReference, NetworkReference
from .live_frame import LiveSetting, LiveVector
from .live_input import LiveInput

TAPS = 161
"""Points of a decoded window."""
MAX_PAST = 400
"""Most points of the recording in the window."""
MIN_HISTORY, MAX_HISTORY = 200, 500
"""Steps of the charts over time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveDesign:
    """A program with its compiled C and its float64 counterpart.

    Attributes
    ----------
    program : Program
    spec : LMUSpec or None
        Of a memory.
    error : PredictedError or None
        Of a memory.
    network : FloatNetwork or None
        The trained network, if it was given.
    compiled : BulkEngine or None
        The C of the build directory; None without a compiler.
    """

    program: Program
    spec: LMUSpec | None
    error: PredictedError | None
    network: FloatNetwork | None
    compiled: BulkEngine | None

    def machine(self) -> BulkEngine | Interpreter:
        """Return what runs the program, after reset."""
        return Interpreter(self.program) if self.compiled is None else self.compiled.with_streams(1)

    def reference(self) -> FloatReference | None:
        """Return the float64 memory or network in its zero state; None if it is not known."""
        if self.spec is not None:
            return MemoryReference(self.spec)
        return None if self.network is None else NetworkReference(self.network)

    @cached_property
    def word_lsb(self) -> np.ndarray:
        """LSB of each output word that is a real value, 0 of a label; shape (n_out,)."""
        labels = self.program.counts
        vectors = self.program.with_role(Role.OUTPUT)
        return np.repeat(
            [0.0 if v.name in labels else v.fmt.lsb for v in vectors], [v.length for v in vectors]
        )

    @cached_property
    def ages(self) -> np.ndarray:
        """Where a window is decoded [samples before now]; empty for a network."""
        if self.spec is None:
            return np.zeros(0)
        return np.linspace(0, 1, TAPS) * self.spec.theta - self.spec.lead

    @cached_property
    def word_ages(self) -> np.ndarray:
        """Where output words give the window [samples before now]."""
        if self.spec is None or self.spec.output is OutputKind.STATE:
            return np.zeros(0)
        if self.spec.output is OutputKind.TAPS:
            return np.array(self.spec.taps) * self.spec.theta - self.spec.lead
        return self.ages

    @cached_property
    def past(self) -> np.ndarray:
        """Which samples of the recording a window shows [samples before now], int."""
        if self.spec is None:
            return np.zeros(0, dtype=np.int64)
        last = int(np.ceil(self.spec.theta))
        return np.unique(np.linspace(0, last, min(last + 1, MAX_PAST)).round().astype(np.int64))

    @property
    def history(self) -> int:
        """Steps of the charts over time."""
        steps = MIN_HISTORY if self.spec is None else int(np.ceil(self.spec.theta))
        return min(max(steps, MIN_HISTORY), MAX_HISTORY)

    def setting(self, live_input: LiveInput) -> LiveSetting:
        """Return what a page is told of the design and its recordings."""
        spec, reference = self.spec, self.reference()
        inputs, states, outputs = (
            tuple(self._vector(v) for v in self.program.with_role(role))
            for role in (Role.INPUT, Role.STATE, Role.OUTPUT)
        )
        floats = reference is not None and not (spec and spec.output is OutputKind.STATE)
        return LiveSetting(
            title=self.program.title,
            engine="interpreter" if self.compiled is None else "c",
            source=live_input.source,
            made=live_input.made,
            lengths=tuple(map(len, live_input.recordings)),
            sample_rate=live_input.sample_rate,
            inputs=inputs,
            states=states,
            outputs=outputs,
            order=spec.order if spec else None,
            theta=spec.theta if spec else None,
            channels=spec.channels if spec else 0,
            ages=tuple(self.ages.round(4).tolist()),
            word_ages=tuple(self.word_ages.round(4).tolist()),
            past=tuple(self.past.tolist()),
            history=self.history,
            on_demand=self.program.output_every == 0,
            floats=floats,
            predicted=self.error.predicted if self.error else None,
            budget=self.error.budget if self.error and self.error.neurons is None else None,
            notes=live_input.notes,
        )

    def _vector(self, vector: Vector) -> LiveVector:
        fmt = vector.fmt
        return LiveVector(
            name=vector.name,
            format=str(fmt),
            length=vector.length,
            lsb=fmt.lsb,
            low=fmt.min,
            high=fmt.max,
            label=vector.name in self.program.counts,
            names=tuple(c.name for c in vector.channels or ()),
        )


def open_design(path: Path, network: FloatNetwork | None = None) -> LiveDesign:
    """Return a build directory made ready to run live.

    Parameters
    ----------
    path : Path
    network : FloatNetwork, optional
        The trained network that a network's directory was generated from.

    Raises
    ------
    ModelFileError
        If it was not written by lmu-hw, or is damaged.
    SpecError
        If a network is given for a memory, or one of other inputs and outputs.
    ToolError
        If the C compiler fails.
    """
    program, design = load_program(path), load_manifest(path).design
    memory = design if isinstance(design, MemoryManifest) else None
    if network is not None:
        _check_network(path, program, network, memory=memory is not None)
    compiled = BulkEngine.from_c_files(program, path / "c") if bulk.available() else None
    return LiveDesign(
        program=program,
        spec=memory.spec if memory else None,
        error=memory.error_lsb if memory else None,
        network=network,
        compiled=compiled,
    )


def _check_network(path: Path, program: Program, network: FloatNetwork, *, memory: bool) -> None:
    if memory:
        raise SpecError(f"--model is for a network, and {path} is a memory's; leave it out")
    real = sum(v.length for v in program.with_role(Role.OUTPUT) if v.name not in program.counts)
    sizes = {"inputs": (network.n_in, program.n_words(Role.INPUT))}
    sizes["outputs"] = (network.n_out, real)
    for what, (given, own) in sizes.items():
        if given != own:
            raise SpecError(
                f"--model must be the network that {path} was generated from: it has {given} "
                f"{what}, not {own}"
            )
