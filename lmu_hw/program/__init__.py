"""The integer program, fixed-point arithmetic and the interpreter that defines what it means."""
