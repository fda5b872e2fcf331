"""Synthesis, placement and routing of a generated folder on real devices."""
