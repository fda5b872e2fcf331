"""In-order comparison of words with expected ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Checker:
    """Compares words one by one and records the first mismatch.

    Parameters
    ----------
    expected : sequence of int
    n_words : int
        Words per step, for the step and index of a mismatch.
    """

    expected: Sequence[int]
    n_words: int
    checked: int = 0
    mismatches: int = 0
    first: dict[str, int | str] | None = field(default=None)

    def take(self, got: int | str) -> None:
        """Compare the next word; a word with X or Z is given as text."""
        if self.checked >= len(self.expected):
            raise AssertionError(f"word {got} after all {self.checked} expected words")
        expected = self.expected[self.checked]
        if got != expected:
            self.mismatches += 1
            if self.first is None:
                step, index = divmod(self.checked, self.n_words)
                self.first = {"step": step, "index": index, "expected": expected, "got": got}
        self.checked += 1

    @property
    def empty(self) -> bool:
        """Whether every expected word has arrived."""
        return self.checked == len(self.expected)
