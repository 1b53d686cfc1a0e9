"""lipstream: audio in, video of a person whose lips follow it out."""

__version__ = "0.1.0"
