"""One thread for each test, as tests run side by side; and one seed."""

from __future__ import annotations

import contextlib

import pytest

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seed() -> None:
    """First weights are the same in every run: recurrences can amplify what rounding leaves."""
    with contextlib.suppress(NameError):
        torch.manual_seed(0)
