"""Measured figures and pictures in, a page with curves, sheets and a film out."""
