"""Microcontroller boards: cross-compilation of the C, and execution in QEMU."""
