"""Avatars and real recordings in, figures of how well the lips follow the sound out."""
