"""Mutation testing of our own benches: `make mutation`.

One small thing at a time is broken in the emitted C or Verilog: a shift, a rounding constant, a
sign, an index, a limit, a reset, a handshake, a word of a table. A mutant is killed if the folder's
own bench fails, or what is deeper fails: `lmu-hw verify`. One that survives is shown to be
equivalent (C: the same machine code, or a limit that the certificate proves is never reached) or
stands in the report by name.
"""
