"""Microcontrollers that the C is compiled for and run on, in QEMU."""
