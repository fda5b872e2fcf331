"""The LMU memory in float64: equations, discretization, the exact cascade."""
