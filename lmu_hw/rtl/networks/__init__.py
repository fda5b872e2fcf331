"""Feed-forward networks: a memory of `rtl.parallel`, and layers that work beside it.

- `network_split`: a network as two programs, its memory and its layers.
- `network_plan`: cycles, latency and ports of a design.
- `input_appender`, `network_core`: the memory, then lanes, `Engine`, or a pipeline, `LayerCore`.
- `emit_network`: the files of a design.
"""
