"""Kits: the core and the C packaged for the tools in which people build."""
