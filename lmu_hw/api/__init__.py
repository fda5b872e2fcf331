"""The Python API: sources (`Memory`, `Network`), `compile` to a `Design`, `write` to a `Build`."""
