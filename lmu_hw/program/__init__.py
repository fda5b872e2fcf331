"""The integer program, fixed-point arithmetic, and the interpreter, the reference backend."""
