"""Which cases of a test are soaks, and which soaks are in a share of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar

import pytest

MOST = 100
"""Shares at most: far fewer than there are soaks, so that none is empty."""


class Item(Protocol):
    """What a share needs of a test."""

    @property
    def nodeid(self) -> str:
        """Path and name, and the case in brackets."""

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        """Return the marker of a name."""

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        """Add a marker."""


AnItem = TypeVar("AnItem", bound=Item)


def parse(text: str) -> tuple[int, int]:
    """Return the number of a share and of how many.

    Raises
    ------
    pytest.UsageError
        If it is not of the form k/n, with k from 1 to n.

    Examples
    --------
    >>> parse("3/13")
    (3, 13)
    """
    found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", text, re.ASCII)
    k, n = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= k <= n <= MOST:
        raise pytest.UsageError(
            f"a share of the soaks must be k/n with 1 <= k <= n <= {MOST}, as 3/13, not {text!r}"
        )
    return k, n


def split(items: list[AnItem], share: tuple[int, int]) -> tuple[list[AnItem], list[AnItem]]:
    """Return the tests that are run and those that are not, in the order given.

    Every n-th soak is of the share, whatever else chooses among them; other tests stay.
    """
    k, n = share
    run, left_out, number = [], [], 0
    for item in items:
        soak = item.get_closest_marker("soak") is not None
        number += soak
        (left_out if soak and (number - k) % n else run).append(item)
    return run, left_out


def thin_out(items: Iterable[Item]) -> None:
    """Make soaks of the cases of each test marked ``some(n)``, but for n spread over all."""
    cases: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("some") and not item.get_closest_marker("soak"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for found in cases.values():
        marker = found[0].get_closest_marker("some")
        assert marker is not None
        (n,) = marker.args
        kept = {k * len(found) // n for k in range(n)}
        for number, item in enumerate(found):
            if number not in kept:
                item.add_marker(pytest.mark.soak)
