"""``python -m lmu_hw``: the command line."""

import sys

from .cli.main import main

sys.exit(main())
