"""Fuzzing of everything that reads a file or an option; see `tests.fuzz.__main__`."""
