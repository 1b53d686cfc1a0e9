"""Two sounds in, by how much one of them is late out."""

import numpy as np

from lipstream.types import Pcm


def late_samples(one: Pcm, other: Pcm) -> int:
    """By how many samples the other is late, where their correlation is highest."""
    size = 1 << (len(one) + len(other)).bit_length()
    product = np.conj(np.fft.rfft(one, size)) * np.fft.rfft(other, size)
    place = int(np.fft.irfft(product, size).argmax())
    return place if place < size // 2 else place - size
