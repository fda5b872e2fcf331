"""The Python API: sources `Memory` and `Network`, `compile`, `Design` and `Build`."""
