"""A point of an exploration: a design with its quality, its hardware and its figures by target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class FigureBasis(Enum):
    """Where the figures of a target are from."""

    ESTIMATED = "estimated"
    MEASURED = "measured"


class Metric(Enum):
    """What the quality of a point is."""

    ACCURACY = "accuracy"
    NRMSE = "nrmse"
    AGREEMENT = "agreement"
    ERROR = "error"
    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointQuality:
    """How good the words of a design are.

    Attributes
    ----------
    metric : Metric
        ACCURACY and NRMSE: of a network, against labels or targets. AGREEMENT: NRMSE of a network's
        outputs against those of the float network. ERROR: of a memory, predicted RMS error of the
        worst output word against the float64 memory, as a share of full scale. WINDOW: NRMSE of
        delays decoded from the words against the delayed input itself.
    score : float
        Of the integers.
    float_score : float
        The same of float64; 0 for AGREEMENT and ERROR, which compare with it.
    loss : float
        What is minimized: decrease of the accuracy, increase of the NRMSE of a network, or the
        score itself of AGREEMENT, ERROR and WINDOW. Negative where integers do better.
    """

    metric: Metric
    score: float
    float_score: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFigures:
    """Figures of the Verilog on one FPGA device.

    Attributes
    ----------
    target : str
        Name, as ``--target`` takes it.
    basis : FigureBasis
    luts, ffs, dsps, block_rams : int
        LUTs, flip-flops, multipliers and block RAMs, without a harness.
    share : float
        Largest share of the device that any of them takes; over 1 does not fit.
    clock_mhz : float or None
        Highest clock rate [MHz]; None where the target has no placer.
    steps_per_second : float or None
        Equally spaced steps of the design at that clock rate [1/s].
    refused : str
        Why the tools gave no figures, such as a design that does not fit: the figures are then
        those of the estimate. Empty otherwise.
    """

    target: str
    basis: FigureBasis
    luts: int
    ffs: int
    dsps: int
    block_rams: int
    share: float
    clock_mhz: float | None
    steps_per_second: float | None
    refused: str = ""

    @property
    def fits(self) -> bool:
        """Whether the design fits the device, as far as is known."""
        return not self.refused and self.share <= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFigures:
    """Figures of the C on one microcontroller.

    Attributes
    ----------
    target : str
        Name, as ``--target`` takes it.
    basis : FigureBasis
    flash, ram : int
        Code and tables; state, globals and stack [bytes].
    instructions : float
        Mean instructions of a step with an output.
    instructions_without : float or None
        The same of a step without an output; None where every step has one.
    share : float
        Larger share of flash and RAM of the board; over 1 does not fit.
    refused : str
        As `DeviceFigures.refused`.
    """

    target: str
    basis: FigureBasis
    flash: int
    ram: int
    instructions: float
    instructions_without: float | None
    share: float
    refused: str = ""

    @property
    def fits(self) -> bool:
        """Whether the program fits the board, as far as is known."""
        return not self.refused and self.share <= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploredPoint:
    """A point of the space and all that is known of it.

    Attributes
    ----------
    number : int
        Place in the exploration, from 1.
    settings : mapping of str to str
        Value on every axis, as on the command line: ``{"bits": "16", "lanes": "4"}``.
    command : str
        Command that generates the build directory.
    refused : str
        Why there is no such design; all that follows is then None or empty.
    digest : str or None
        Digest of the program.
    quality : PointQuality or None
    multiplies : int or None
        Multiplies of a step with an output.
    rom_bits, ram_bits : int or None
        Coefficients and tables; states and internal words [bits].
    cycles_per_step : int or None
        Clock cycles of a step when steps are equally spaced, rounded up; None where the program has
        no Verilog.
    no_hardware : str
        Why the program has no Verilog; empty where it has.
    devices : tuple of DeviceFigures
    boards : tuple of BoardFigures
    fronts : tuple of str
        Targets on whose Pareto front the point is.
    misses : tuple of str
        Constraints that it misses, as text; empty where it meets all.
    """

    number: int
    settings: Mapping[str, str]
    command: str
    refused: str = ""
    digest: str | None = None
    quality: PointQuality | None = None
    multiplies: int | None = None
    rom_bits: int | None = None
    ram_bits: int | None = None
    cycles_per_step: int | None = None
    no_hardware: str = ""
    devices: tuple[DeviceFigures, ...] = ()
    boards: tuple[BoardFigures, ...] = ()
    fronts: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[DeviceFigures | BoardFigures, ...]:
        """Figures of all targets, FPGA devices first."""
        return (*self.devices, *self.boards)
