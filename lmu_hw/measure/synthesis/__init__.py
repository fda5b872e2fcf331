"""Synthesis, placement and routing of a build directory on real devices."""
