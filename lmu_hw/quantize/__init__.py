"""Quantize float memories and networks: word formats, coefficients, weights, activations."""
