"""A signal like that of a microphone before a voice, for a live view without a recording."""

from __future__ import annotations

import numpy as np

from .._support.array_types import Array
from ..memory.float_memory import band_limited_noise

SYLLABLE = 2.6
"""From syllable to syllable [windows]."""
PARTIALS = (0.3, 0.5, 0.9, 1.0, 0.5)
"""Amplitudes of the voice's harmonics: the fourth stands out, as in a vowel."""
BREATH = 0.06
"""Amplitude of noise, relative to the voice."""
SEED = 7


def made_signal(n_steps: int, window: float, order: int, channels: int) -> Array:
    """Return a voice that speaks syllables, and breath between them.

    Its highest harmonic is what a memory can hold: ``order / 4`` cycles in its window.

    Parameters
    ----------
    n_steps : int
        Samples, >= 1.
    window : float
        Length of the window that the signal is for [samples].
    order : int
        Coefficients of the window, >= 1.
    channels : int
        Number of signals, each of its own pitch.

    Returns
    -------
    float array, shape (n_steps, channels)
        Peak 0.9.
    """
    rng = np.random.default_rng(SEED)
    highest = min(max(order / 4, 0.5) / window, 0.25)
    return np.stack(
        [_voice(n_steps, window, highest * 0.94**k, rng) for k in range(channels)], axis=1
    )


def _voice(n_steps: int, window: float, highest: float, rng: np.random.Generator) -> Array:
    t = np.arange(n_steps)
    # it starts within a syllable
    syllable = 0.2 + t / (SYLLABLE * window)
    pitch = highest / len(PARTIALS) * (1 + 0.06 * np.sin(2 * np.pi * 0.31 * syllable))
    phase = 2 * np.pi * np.cumsum(pitch)
    loudness = (0.15 + np.sin(np.pi * (syllable % 1.0)) ** 2) * (1 + 0.4 * np.sin(1.7 * syllable))
    vowel = 0.5 + 0.5 * np.sin(0.9 * syllable)
    partials = np.array(PARTIALS)
    voice = np.zeros(n_steps)
    for k, amplitude in enumerate(partials, start=1):
        # the vowel changes what stands out
        amplitude = (1 - vowel) * amplitude + vowel * partials[-k]
        voice += amplitude * np.sin(k * phase + 0.4 * k * k)
    # a few periods at least, whatever is asked for
    period = max(n_steps, int(np.ceil(4 / highest)))
    signal = loudness * voice + BREATH * band_limited_noise(period, highest, rng)[:n_steps]
    return np.asarray(0.9 * signal / np.max(np.abs(signal)))
