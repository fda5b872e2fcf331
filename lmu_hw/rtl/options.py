"""Options of the generated hardware; no output word depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from .._support.validation import check_int
from ..errors import SpecError
from ..program.codec import to_data, written
from .layer_style import Layers
from .parallel_style import Parallel
from .streams import Streams

MAX_LANES = 64
MIN_PIPELINE, MAX_PIPELINE, PIPELINE = 1, 6, 5
"""Registers of an adaptor: fewest, most, and default."""
MIN_RING_PIPELINE = 2
"""The same of one whose coefficients come from a table."""
MAX_INTERLEAVE = 2 * MAX_PIPELINE
"""Most signals in one pipeline: a section has two adaptors."""
MAX_SECTIONS_PER_MULTIPLIER, SECTIONS_PER_MULTIPLIER = 64, 6
"""Sections that share a multiplier: most, and default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Options for the Verilog of a program.

    Parameters
    ----------
    lanes : int
        Multiply-accumulate lanes, 1 to 64.
    streams : Streams or str
        Naming scheme of the ports: ``"plain"`` or ``"axi"``.
    state_port : bool
        Add a port that clears, saves and loads the state.
    parallel : Parallel or str
        ``"shared"``: one multiplier for a chain; ``"ring"``: one for a few neighbouring sections
        of a memory; ``"full"``: one for each coefficient of a memory.
    pipeline : int, optional
        Registers of an adaptor, 1 to 6, default 5; 2 to 6 with ``"ring"``; not with ``"shared"``.
    interleave : int
        Independent signals in the pipeline, 1 to 2 ``pipeline``; only with ``"full"``.
    sections_per_multiplier : int, optional
        Most sections that share a multiplier, 1 to 64, default 6; only with ``"ring"``.
    layers : Layers or str, optional
        How the layers of a network work with ``"ring"`` and ``"full"``: ``"lanes"``,
        ``"pipelined"`` or ``"adders"``. Default: lanes if there are several or outputs are not due
        at every step, else pipelined.

    Raises
    ------
    SpecError
        If an option is out of its range.
    """

    lanes: int = 1
    streams: Streams = Streams.PLAIN
    state_port: bool = False
    parallel: Parallel = field(
        default=Parallel.SHARED, metadata=written(optional=True, absent=Parallel.SHARED)
    )
    pipeline: int | None = field(default=None, metadata=written(optional=True))
    interleave: int = field(default=1, metadata=written(optional=True, absent=1))
    sections_per_multiplier: int | None = field(default=None, metadata=written(optional=True))
    layers: Layers | None = field(default=None, metadata=written(optional=True))

    if TYPE_CHECKING:
        # callers may give the name; the attribute is always a member
        def __init__(
            self,
            *,
            lanes: int = 1,
            streams: Streams | str = Streams.PLAIN,
            state_port: bool = False,
            parallel: Parallel | str = Parallel.SHARED,
            pipeline: int | None = None,
            interleave: int = 1,
            sections_per_multiplier: int | None = None,
            layers: Layers | str | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "streams", _streams(self.streams))
        check_int("lanes", self.lanes, 1, MAX_LANES)
        if not isinstance(self.state_port, bool):
            raise SpecError(f"state_port must be true or false, not {self.state_port!r}")
        object.__setattr__(self, "parallel", _parallel(self.parallel))
        object.__setattr__(self, "layers", _layers(self.layers))
        check_int("interleave", self.interleave, 1, MAX_INTERLEAVE)
        if self.pipeline is not None:
            check_int("pipeline", self.pipeline, MIN_PIPELINE, MAX_PIPELINE)
        if self.sections_per_multiplier is not None:
            top = MAX_SECTIONS_PER_MULTIPLIER
            check_int("sections_per_multiplier", self.sections_per_multiplier, 1, top)
        self._check_style()
        if self.parallel is not Parallel.SHARED:
            self._check_parallel()

    def _check_style(self) -> None:
        """Raise `SpecError` if an option is for another style."""
        not_shared = (Parallel.RING, Parallel.FULL)
        for name, given, styles in (
            ("pipeline", self.pipeline is not None, not_shared),
            ("interleave", self.interleave > 1, (Parallel.FULL,)),
            (
                "sections_per_multiplier",
                self.sections_per_multiplier is not None,
                (Parallel.RING,),
            ),
            ("layers", self.layers is not None, not_shared),
        ):
            if given and self.parallel not in styles:
                remedy = " or ".join(style.value for style in styles)
                raise SpecError(
                    f"{name} must be left out with parallel {self.parallel.value}: "
                    f"give parallel {remedy} too"
                )

    def _check_parallel(self) -> None:
        if self.pipeline is None:
            object.__setattr__(self, "pipeline", PIPELINE)
        if self.parallel is Parallel.RING:
            check_int("pipeline", self.pipeline, MIN_RING_PIPELINE, MAX_PIPELINE)
        if self.parallel is Parallel.RING and self.sections_per_multiplier is None:
            object.__setattr__(self, "sections_per_multiplier", SECTIONS_PER_MULTIPLIER)
        if self.layers in (Layers.PIPELINED, Layers.ADDERS) and self.lanes > 1:
            raise SpecError(f"lanes must be 1 with layers {self.layers.value}, not {self.lanes}")
        if self.streams is not Streams.PLAIN:
            raise SpecError(
                f"streams must be plain with parallel {self.parallel.value}, "
                f"not {self.streams.value!r}"
            )

    def to_data(self) -> dict[str, Any]:
        """Return the options as JSON data, which `from_data` reads."""
        data: dict[str, Any] = to_data(self)
        return data


def from_data(data: Mapping[str, Any]) -> Hardware:
    """Return the options in a file; missing keys take their defaults.

    Raises
    ------
    SpecError
        If a key is unknown or an option is out of its range.
    """
    names = [f.name for f in fields(Hardware)]
    for key in data:
        if key not in names:
            raise SpecError(f"hardware must have keys among {', '.join(names)}, not {key!r}")
    return Hardware(**data)


def chosen(options: Mapping[str, Any], keys: dict[str, Any] | None = None) -> Hardware:
    """Return the options of a command line.

    Parameters
    ----------
    options : mapping
        Options by name; missing or None where one was not given.
    keys : dict, optional
        Keys of a specification file; hardware keys are removed from it.

    Raises
    ------
    SpecError
        If an option is out of its range.
    """
    names = [f.name for f in fields(Hardware)]
    given = {name: keys.pop(name) for name in names if keys and name in keys}
    return from_data(given | {n: options[n] for n in names if options.get(n) is not None})


def _streams(value: Any) -> Streams:
    try:
        return Streams(value)
    except ValueError:
        raise SpecError(
            f"streams must be {' or '.join(s.value for s in Streams)}, not {value!r}"
        ) from None


def _layers(value: Any) -> Layers | None:
    if value is None:
        return None
    try:
        return Layers(value)
    except ValueError:
        names = [style.value for style in Layers]
        raise SpecError(
            f"layers must be {', '.join(names[:-1])} or {names[-1]}, not {value!r}"
        ) from None


def _parallel(value: Any) -> Parallel:
    try:
        return Parallel(value)
    except ValueError:
        names = [p.value for p in Parallel]
        raise SpecError(
            f"parallel must be {', '.join(names[:-1])} or {names[-1]}, not {value!r}"
        ) from None
