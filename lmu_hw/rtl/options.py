"""Options of the generated hardware; no output word depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from .._support.validation import check_int
from ..errors import SpecError
from .streams import Streams

MAX_LANES = 64


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

    Raises
    ------
    SpecError
        If an option is out of its range.
    """

    lanes: int = 1
    streams: Streams = Streams.PLAIN
    state_port: bool = False

    if TYPE_CHECKING:
        # callers may give the name; the attribute is always a member
        def __init__(
            self,
            *,
            lanes: int = 1,
            streams: Streams | str = Streams.PLAIN,
            state_port: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "streams", _streams(self.streams))
        check_int("lanes", self.lanes, 1, MAX_LANES)
        if not isinstance(self.state_port, bool):
            raise SpecError(f"state_port must be true or false, not {self.state_port!r}")

    def to_data(self) -> dict[str, Any]:
        """Return the options as JSON data, which `from_data` reads."""
        return asdict(self) | {"streams": self.streams.value}


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
