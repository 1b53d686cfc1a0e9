"""Frames and generated crops into each other: cut, mask, reference choice, blend."""
