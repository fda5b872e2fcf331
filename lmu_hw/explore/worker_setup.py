"""Loaded by the workers of a local cluster, before their first task."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C, which a terminal sends to all processes, to the one that was started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
