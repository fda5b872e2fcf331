"""Backends that run a build directory on given inputs and return its outputs."""
