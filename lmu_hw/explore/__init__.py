"""Exploration: many designs, their estimates and measurements, and the Pareto front."""
