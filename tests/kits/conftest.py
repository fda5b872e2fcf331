"""Files that run inside a simulator are no tests of pytest."""

collect_ignore = ["bus_bench.py"]
