"""Co-simulation: every backend against the interpreter, word for word."""
