"""``lmu-hw`` and ``python -m lmu_hw``: the command line."""

import sys


def entry() -> int:
    """Run the command line and return the exit code; Ctrl-C may come while it is imported."""
    try:
        from .cli.main import main
    except KeyboardInterrupt:
        print("lmu-hw: interrupted", file=sys.stderr)
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(entry())
