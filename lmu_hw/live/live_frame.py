"""What a live page is sent: a setting once, then frames."""

from __future__ import annotations

from dataclasses import dataclass

from ..program.codec import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVector:
    """A vector of words on the page.

    Attributes
    ----------
    name, format : str
    length : int
    lsb : float
        Value of one LSB.
    low, high : int
        Range of a word.
    label : bool
        Integers without a unit: a class or a count.
    names : tuple of str
        Of the words, where channels name them; else empty.
    """

    name: str
    format: str
    length: int
    lsb: float
    low: int
    high: int
    label: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSetting(Report):
    """What stays as it is while a page is open.

    Attributes
    ----------
    title : str
    engine : str
        ``c`` or ``interpreter``.
    source : str
        Name of the recording.
    made : bool
        The recording is made.
    lengths : tuple of int
        Steps of each recording.
    sample_rate : float or None
        [samples/s].
    inputs, states, outputs : tuple of LiveVector
    order : int or None
        Of a memory, like the six after it.
    theta : float or None
        Window [samples].
    channels : int
        Windows to choose from, >= 0.
    ages : tuple of float
        Where a window is decoded [samples before now].
    word_ages : tuple of float
        Where outputs give the window: ages, or delays that are outputs, or none.
    past : tuple of int
        Which samples of the recording are drawn [samples before now].
    history : int
        Steps of the charts over time.
    on_demand : bool
        The output is due when the caller asks for it.
    floats : bool
        Outputs have a float64 counterpart.
    predicted, budget : float or None
        Predicted RMS error of an output word, and the error budget [LSB].
    notes : tuple of str
    """

    title: str
    engine: str
    source: str
    made: bool
    lengths: tuple[int, ...]
    sample_rate: float | None
    inputs: tuple[LiveVector, ...]
    states: tuple[LiveVector, ...]
    outputs: tuple[LiveVector, ...]
    order: int | None
    theta: float | None
    channels: int
    ages: tuple[float, ...]
    word_ages: tuple[float, ...]
    past: tuple[int, ...]
    history: int
    on_demand: bool
    floats: bool
    predicted: float | None
    budget: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWindow:
    """The window of one channel.

    Attributes
    ----------
    true : tuple of float
        The recording, at `LiveSetting.past`.
    words : tuple of float
        Decoded from output words, at `LiveSetting.word_ages`.
    floats : tuple of float
        Decoded from the float64 memory, at `LiveSetting.ages`.
    words_error, floats_error : float or None
        RMS of decoded minus true, relative to the RMS of true; None where that is near 0.
    """

    true: tuple[float, ...]
    words: tuple[float, ...]
    floats: tuple[float, ...]
    words_error: float | None
    floats_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHistory:
    """The last steps, oldest first; shorter than `LiveSetting.history` at the start.

    Attributes
    ----------
    input : tuple of float
        Of the chosen channel, or of the first input word.
    output, output_float : tuple of float or None
        The chosen output word, real; None before the first was due, or without a counterpart.
    rms, worst : tuple of float or None
        RMS and largest error of the output words at the step [LSB].
    """

    input: tuple[float, ...]
    output: tuple[float | None, ...]
    output_float: tuple[float | None, ...]
    rms: tuple[float | None, ...]
    worst: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame(Report):
    """The design after a step.

    Attributes
    ----------
    recording : int
        From 0.
    step : int
        Steps done in the recording, from 0.
    ended : bool
        It was the last step of the recording; the next one starts another from reset.
    input_words : tuple of int
        Of the last step.
    states, outputs : tuple of tuple of int
        Words of each vector.
    floats : tuple of float or None
        Float64 counterparts of all output words in order, None for labels; empty without.
    due : bool
        There has been an output.
    rms_error, worst_error : float or None
        Over all output words and all steps of the recording so far [LSB].
    window : LiveWindow or None
    history : LiveHistory
    """

    recording: int
    step: int
    ended: bool
    input_words: tuple[int, ...]
    states: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    floats: tuple[float | None, ...]
    due: bool
    rms_error: float | None
    worst_error: float | None
    window: LiveWindow | None
    history: LiveHistory
