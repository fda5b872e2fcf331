"""Other backends of a program: each runs a build directory and returns what came out."""
