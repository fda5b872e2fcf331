"""Reports: one HTML page about a build directory, with pictures, tables and commands."""
