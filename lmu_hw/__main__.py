"""``python -m lmu_hw``: the command line."""

import sys

from .cli import main

sys.exit(main())
