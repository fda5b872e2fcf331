"""Deals the soak tests out to N shares, so that each gets some of every test's cases."""

from __future__ import annotations

import re
from typing import Protocol, TypeVar

import pytest

MOST = 100
"""Shares at most: far fewer than there are soaks, so that none is empty."""


class Item(Protocol):
    """What a share needs of a test."""

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        """Return the marker of a name."""


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
