"""Mutation testing of our own benches: `make mutation`.

Each mutant breaks the emitted C or Verilog in one place: a shift, a rounding constant, a sign, an
index, a limit, a reset, a handshake, a word of a table. It is killed if the test bench of the build
directory fails, or `lmu-hw verify`, which runs longer. A mutant that survives is either shown to be
equivalent (C: the same machine code, or a limit that the certificate proves is never reached) or
listed in the report.
"""
