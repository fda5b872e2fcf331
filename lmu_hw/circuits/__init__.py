"""The memory as an analog circuit: structure, parts, netlist, simulation."""
