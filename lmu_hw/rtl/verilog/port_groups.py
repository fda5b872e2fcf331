"""Order and groups of the ports of a module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CLOCK = ("clk", "rst")
GROUPS = ("clock", "input", "output", "state port")
STREAM = ("data", "last", "valid", "ready")
"""Parts of a stream in the order of printing."""


def port_groups(directions: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the ports of each group, by its title.

    Parameters
    ----------
    directions : mapping
        "input" or "output" for each port.

    Notes
    -----
    The parts of a stream are in one group, whatever their directions: that of ``valid``.

    Examples
    --------
    >>> port_groups({"o_ready": "input", "clk": "input", "o_data": "output", "o_valid": "output"})
    {'clock': ['clk'], 'output': ['o_data', 'o_valid', 'o_ready']}
    """
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    streams = {name: _stream(name, directions) for name in directions}
    for name in _streams_together(streams):
        stream = streams[name]
        if name in CLOCK:
            group = "clock"
        elif name.startswith("state_"):
            group = "state port"
        else:
            group = directions[name if stream is None else _joined(stream, "valid")]
        found[group].append(name)
    if "rst" in directions:
        found = {"clock and reset" if g == "clock" else g: names for g, names in found.items()}
    return {group: names for group, names in found.items() if names}


def _stream(name: str, directions: Mapping[str, str]) -> str | None:
    """Return the name of the stream that a port is part of; None if it is of none."""
    stream, _, part = name.rpartition("_")
    both = (directions.get(_joined(stream, end), "") for end in ("valid", "ready"))
    return stream if part in STREAM and set(both) == {"input", "output"} else None


def _streams_together(streams: Mapping[str, str | None]) -> Iterable[str]:
    """Yield the ports in order, with those of a stream where its first one is."""
    done: set[str] = set()
    for name, stream in streams.items():
        if stream is None:
            yield name
        elif stream not in done:
            done.add(stream)
            parts = (_joined(stream, part) for part in STREAM)
            yield from (part for part in parts if streams.get(part) == stream)


def _joined(stream: str, part: str) -> str:
    return f"{stream}_{part}" if stream else part
