"""A live view: a local page that streams a recording through a compiled design."""
