"""Trained networks in float64, and the readers of trained-model files."""
