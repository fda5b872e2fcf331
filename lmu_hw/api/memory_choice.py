"""`compare_delays` and `choose_memory`: which discretizer and how many substeps."""

from __future__ import annotations

from ..memory.spec import LMUSpec, parse
from ..quantize import delay_choices
from ..quantize.delay_choices import DelayReport
from .sources import Memory


def compare_delays(
    order: int,
    theta: float | None = None,
    *,
    bandwidth: float,
    output: str = "memory",
    channels: int = 1,
) -> DelayReport:
    """Return delay error and multiplies of every discretizer and number of substeps.

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, 1 to 1024.
    theta : float, optional
        Window length [samples]. Default: 8 * order.
    bandwidth : float
        Highest frequency of the input [cycles/sample], > 0 and <= 0.5; its spectrum is flat.
    output : str
        ``"memory"``, ``"state"`` or ``"taps=0,0.5,1"``: multiplies are for this output, and the
        error is that of the taps, else the mean over the whole window.
    channels : int

    Returns
    -------
    DelayReport
        Prints as a table; ``report.within("0.5%")`` is the cheapest choice with that error.

    Raises
    ------
    SpecError
        If a value is out of range.

    Examples
    --------
    >>> report = compare_delays(6, theta=40, bandwidth=0.01)
    >>> report.within("1%").discretizer.value
    'bilinear'
    """
    return delay_choices.compare_delays(_spec(order, theta, output, channels), bandwidth)


def choose_memory(
    order: int,
    theta: float | None = None,
    *,
    accuracy: float | str,
    bandwidth: float,
    output: str = "memory",
    channels: int = 1,
) -> Memory:
    """Return the memory with the fewest multiplies whose decoded delays have an accuracy.

    Parameters
    ----------
    order, theta, bandwidth, output, channels
        As for `compare_delays`.
    accuracy : float or str
        Largest NRMSE of decoded delays in float64, > 0 and < 1, or a text such as ``"0.5%"``.

    Raises
    ------
    SpecError
        If a value is out of range, or no memory has the accuracy; the message says which comes
        closest and what to change.

    Examples
    --------
    >>> choose_memory(16, theta=128, accuracy="0.05%", bandwidth=0.0125).substeps
    2
    """
    spec = _spec(order, theta, output, channels)
    chosen = delay_choices.compare_delays(spec, bandwidth).within(accuracy)
    return Memory(
        order,
        spec.theta,
        discretizer=chosen.discretizer.value,
        substeps=chosen.substeps,
        channels=channels,
    )


def _spec(order: int, theta: float | None, output: str, channels: int) -> LMUSpec:
    keys = {"order": order, "theta": theta, "output": output, "channels": channels}
    return parse({key: value for key, value in keys.items() if value is not None})
