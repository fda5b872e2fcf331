"""Array types for annotations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""Array of real values."""
Words = npt.NDArray[np.int64]
"""Array of words: integer samples, each in its fixed-point format."""
AnyArray = npt.NDArray[Any]
"""Array of any type, as read from a file."""
