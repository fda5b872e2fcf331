"""Other executors of a program: each runs a generated folder and returns what came out."""
