"""`analog`: a memory as an analog circuit, which is simulated, verified and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy.typing as npt

from .._support.array_types import Array
from .._support.build_directory import write_build_dir
from .._support.validation import check_positive, real_array
from .._support.workers import one_blas_thread
from ..circuits.analog_design import AnalogDesign, make_design
from ..circuits.analog_manifest import AnalogManifest, analog_manifest, load_analog
from ..circuits.benches import bench_setup, spice_files
from ..circuits.circuit import AmplifierModel, Circuit
from ..circuits.circuit_files import circuit_files
from ..circuits.exact_memory import exact_transient
from ..circuits.ngspice_signal import simulate_signal
from ..circuits.nodal import linear_circuit
from ..circuits.request import make_request
from ..circuits.tolerance_report import AnalogVerification
from ..circuits.verify_directory import verify_design, verify_directory
from ..errors import SpecError
from ..report.build_report import BuildReport
from ..report.write_report import write_report

if TYPE_CHECKING:
    from ..circuits.nodal import LinearCircuit


def analog(
    order: int,
    theta: float | str,
    taps: float | Sequence[float] | str = (1.0,),
    *,
    structure: str = "cascade",
    form: str = "op-amp",
    series: str = "E96",
    tolerance: float | str = 0.01,
    supply: float | str = 5.0,
    opamp: str | AmplifierModel | None = None,
    r_min: float | str | None = None,
    r_max: float | str | None = None,
    c_min: float | str | None = None,
    c_max: float | str | None = None,
) -> AnalogMemory:
    """Return a memory as an analog circuit: ``theta m' = A m + B u`` and decoded delays.

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, 1 to 32.
    theta : float or str
        Window [s], as 0.001 or ``"1ms"``.
    taps : float, sequence of float, or str
        Delays in fractions of the window, 0 to 1.
    structure : str
        ``"cascade"`` (recommended), ``"ladder"`` or ``"direct"``.
    form : str
        ``"op-amp"``, or ``"gm-c"`` of transconductors.
    series : str
        Values of the resistors: ``"E96"``, ``"E24"`` or ``"exact"``.
    tolerance : float or str
        Of every part, as 0.01 or ``"1%"``.
    supply : float or str
        Voltage between the rails [V].
    opamp : str or AmplifierModel, optional
        Part number, ``"ideal"``, or figures such as ``"GBW=10Meg,SR=5"``. Default: ``"MCP6024"``.
    r_min, r_max : float or str, optional
        Range of resistances [ohm]. Default: 1 kohm to 1 Mohm.
    c_min, c_max : float or str, optional
        Range of capacitances [F]. Default: 100 pF to 1 uF.

    Raises
    ------
    SpecError
        If a value is out of range, or no parts within the bounds make the circuit; the message says
        what would.

    Examples
    --------
    >>> import lmu_hw as lh
    >>> memory = lh.analog(6, "1ms", (0.5, 1.0))
    >>> memory.circuit.taps
    ('tap1', 'tap2')
    >>> memory.error < 0.005
    True
    """
    request = make_request(
        order,
        theta,
        taps,
        structure=structure,
        form=form,
        series=series,
        tolerance=tolerance,
        supply=supply,
        opamp=opamp,
        r_min=r_min,
        r_max=r_max,
        c_min=c_min,
        c_max=c_max,
    )
    # many small systems: threads of BLAS wait for each other
    with one_blas_thread():
        return AnalogMemory(design=make_design(request))


@dataclass(frozen=True, eq=False, kw_only=True)
class AnalogMemory:
    """A memory as an analog circuit. `analog` returns it.

    Attributes
    ----------
    design : AnalogDesign
    """

    design: AnalogDesign

    @property
    def circuit(self) -> Circuit:
        """Parts and nodes."""
        return self.design.circuit

    @property
    def error(self) -> float:
        """NRMSE of all taps against the float memory, for input up to `bandwidth`."""
        return self.design.fit.total

    @property
    def bandwidth(self) -> float:
        """Highest frequency of the band of `error`: d / 6 periods in the window [Hz]."""
        return self.design.request.bandwidth

    @property
    def full_scale(self) -> float:
        """Largest magnitude of the input for which no node reaches its limit [V]."""
        return self.design.full_scale

    def __repr__(self) -> str:
        """Return the title and the error."""
        return f"<AnalogMemory {self.circuit.title}: {self.error:.2%} up to {self.bandwidth:g} Hz>"

    def _repr_html_(self) -> str:
        return analog_manifest(self.design, {})._repr_html_()

    @cached_property
    def _linear(self) -> LinearCircuit:
        return linear_circuit(self.circuit)

    def simulate(self, u: npt.ArrayLike, rate: float, *, engine: str = "linear") -> Array:
        """Return the voltages of the taps for an input, from the zero state.

        Parameters
        ----------
        u : array_like of float, shape (n,)
            Input [V]; linear between its samples.
        rate : float
            Samples in a second [Hz].
        engine : str
            ``"linear"``: nodal analysis in NumPy; ``"ngspice"``: with slew rate and limits of the
            amplifiers; ``"memory"``: the float memory, as it should be.

        Returns
        -------
        float array, shape (n, n_taps)
            [V].

        Raises
        ------
        SpecError
            If an option is not known, or the input is not a finite signal.
        ToolError
            If ngspice is not installed or fails.
        """
        signal, dt = real_array("u", u), 1.0 / check_positive("rate", rate)
        if signal.ndim != 1 or len(signal) < 2:
            raise SpecError(f"u must be a signal of two samples or more, not {signal.shape}")
        request = self.design.request
        if engine == "linear":
            rows = self._linear.simulate(signal, dt)
            return rows[:, [self._linear.index[tap] for tap in self.circuit.taps]]
        if engine == "memory":
            return exact_transient(request.order, request.theta, request.taps, signal, dt)
        if engine == "ngspice":
            return simulate_signal(self.circuit, bench_setup(self.design), signal, dt)
        raise SpecError(f"engine must be linear, ngspice or memory, not {engine!r}")

    def netlist(self) -> dict[str, str]:
        """Return netlist, amplifiers and test benches for ngspice, by file name."""
        return spice_files(self.circuit, bench_setup(self.design))

    def verify(
        self, *, units: int | None = None, calibrate: bool = False, seed: int = 0
    ) -> AnalogVerification:
        """Compare the circuit in ngspice with the float memory; see `AnalogBuild.verify`."""
        return verify_design(
            self.design, self.netlist(), units=units, calibrate=calibrate, seed=seed
        )

    def write(self, path: str | Path, *, force: bool = False) -> AnalogBuild:
        """Write the build directory: netlist, test benches, bill of materials, schematic, report.

        Parameters
        ----------
        path : str or Path
        force : bool
            Replace a build directory that was edited.

        Raises
        ------
        EmitError
            If the directory holds other files, or writing fails.
        """
        write_build_dir(Path(path), circuit_files(self.design), force=force)
        return AnalogBuild(path=Path(path))


@dataclass(frozen=True, kw_only=True)
class AnalogBuild:
    """The build directory of an analog memory. `AnalogMemory.write` returns it.

    Attributes
    ----------
    path : Path
    """

    path: Path

    @property
    def manifest(self) -> AnalogManifest:
        """The manifest: request, errors, parts, and digests of all files.

        Raises
        ------
        ModelFileError
            If it is missing or damaged.
        """
        return load_analog(self.path)[0]

    def verify(
        self, *, units: int | None = None, calibrate: bool = False, seed: int = 0
    ) -> AnalogVerification:
        """Compare the files in ngspice with the float memory.

        Parameters
        ----------
        units : int, optional
            Also draw this many units with parts of the tolerance, some of them in ngspice too.
        calibrate : bool
            Fit the taps of every drawn unit too.
        seed : int
            Of the units.

        Returns
        -------
        AnalogVerification
            A limit that is missed raises no error here: ``report.passed`` is false, and
            ``report.check()`` raises it.

        Raises
        ------
        ModelFileError
            If a file is missing or damaged.
        ToolError
            If ngspice is not installed or fails.
        """
        return verify_directory(self.path, units=units, calibrate=calibrate, seed=seed)

    def report(self) -> BuildReport:
        """Write ``report.html`` and ``report.json`` into the build directory.

        The page is one file: pictures, tables, the schematic and commands, without a network.

        Raises
        ------
        ModelFileError
            If the manifest is missing or damaged.
        ToolError
            If matplotlib or schemdraw is missing.
        EmitError
            If the report cannot be written.
        """
        return write_report(self.path)
