"""Speech in, articulation/1 codes out: one code a frame."""
