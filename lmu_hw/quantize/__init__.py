"""From floats to the integer program: formats, coefficients, weights, activations."""
