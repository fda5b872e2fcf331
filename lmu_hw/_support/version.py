"""Version of lmu-hw, which stands in every generated file."""

__version__ = "0.1.0"
