"""One thread: tests run side by side, and small matrices gain nothing from more."""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)
