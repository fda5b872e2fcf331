"""The array types of annotations, each defined once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""Real values."""
Words = npt.NDArray[np.int64]
"""Words: integer samples, each in its format."""
AnyArray = npt.NDArray[Any]
"""An array as a file holds it, of any type."""
