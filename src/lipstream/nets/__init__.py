"""Torch modules, one network a file."""
