"""The linear memory of an LMU layer, whose window and matrices can be learned.

Gradients pass through the discretization (the matrix exponential of zoh), so that a layer learns
its time step (Voelker, Kajić, Eliasmith, NeurIPS 2019, section 2). Discretization is always
computed in float64, because errors of Abar accumulate over a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._support.name_lookup import member
from ..errors import SpecError
from ..memory.legendre import StateSpace, state_space
from ..memory.spec import Discretizer
from ..models import network
from .exact_buffers import ExactBuffers, numbers
from .sequence_shapes import check_steps, one_more


@dataclass(frozen=True, eq=False, kw_only=True)
class Recursion:
    """``m' = Abar m + Bbar u``, with one pair of matrices for all channels or one for each.

    Attributes
    ----------
    Abar : tensor, shape (n_groups, d, d)
    Bbar : tensor, shape (n_groups, d)
    """

    Abar: Tensor
    Bbar: Tensor

    def step(self, m: Tensor, u: Tensor) -> Tensor:
        """Return the memory after a step.

        Parameters
        ----------
        m : tensor, shape (n_sequences, channels, d)
        u : tensor, shape (n_sequences, channels)
        """
        if len(self.Abar) == 1:
            return m @ self.Abar.squeeze(0).T + u[:, :, None] * self.Bbar
        return torch.einsum("bcj,cij->bci", m, self.Abar) + u[:, :, None] * self.Bbar

    def free(self, start: Tensor, n_steps: int) -> Tensor:
        """Return the zero-input response of a state, by doubling.

        Parameters
        ----------
        start : tensor, shape (..., n_groups, d)
        n_steps : int

        Returns
        -------
        tensor, shape (n_steps, ..., n_groups, d)
            ``start``, ``Abar start``, ``Abar^2 start`` and so on.
        """
        found, power = start[None], self.Abar
        while (missing := n_steps - len(found)) > 0:
            more = torch.einsum("...gj,gij->...gi", found[:missing], power)
            found = torch.cat([found, more])
            if len(more) < missing:
                power = power @ power
        return found[:n_steps]

    def responses(self, n_steps: int) -> Tensor:
        """Return the exact impulse response ``Abar^t Bbar``, shape (n_steps, n_groups, d)."""
        return self.free(self.Bbar, n_steps)

    def to(self, like: Tensor) -> Recursion:
        """Return the same recursion in the precision and on the device of another tensor."""
        return Recursion(Abar=self.Abar.to(like), Bbar=self.Bbar.to(like))


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype of a memory's state: at least float32, as errors add up over a window."""
    return torch.promote_types(dtype, torch.float32)


class LegendreMemory(ExactBuffers):
    """A Legendre memory of one or several channels.

    Parameters
    ----------
    order : int
        Coefficients of each channel, d.
    theta : float or sequence of float
        Window [samples], > 0; one for each channel where several are given.
    channels : int, optional
        Independent memories, by default as many as there are windows.
    discretizer : Discretizer or str
        ``zoh``, ``euler`` or ``bilinear``.
    learn_theta : bool
        Train the windows, as logarithms so that they stay positive.
    learn_system : bool
        Train A and B too, shared by all channels. They start as those of the Legendre memory.

    Notes
    -----
    Input ``(n_sequences, n_steps, channels)``; output and state hold channel after channel:
    ``(n_sequences, n_steps, channels * order)`` and ``(n_sequences, channels * order)``.

    The module runs on any device and in any dtype. The discretization stays in float64 (on the CPU
    where the device has none), and 16-bit inputs are filtered in float32. The state_dict holds
    trained parameters alone: fixed matrices follow from the options.

    Raises
    ------
    SpecError
        If a size or window is out of range, or windows differ where the matrices are trained.
    UnstableError
        If euler is asked for with a window that is too short.
    """

    log_theta: Tensor
    _response: Tensor | None

    def __init__(
        self,
        order: int,
        theta: float | Sequence[float],
        *,
        channels: int | None = None,
        discretizer: Discretizer | str = Discretizer.ZOH,
        learn_theta: bool = False,
        learn_system: bool = False,
    ) -> None:
        super().__init__()
        windows = [float(t) for t in ([theta] if isinstance(theta, (int, float)) else theta)]
        self.order, self.discretizer = order, member("discretizer", discretizer, Discretizer)
        self.channels = channels or len(windows)
        if len(windows) not in (1, self.channels):
            raise SpecError(f"theta must be one window, or one of each of {self.channels} channels")
        self.n_windows = len(windows)
        self._exported = [self._describe(t) for t in windows]
        # raises UnstableError
        fixed = [memory.system() for memory in self._exported]
        self.register_buffer("_response", None, persistent=False)
        self.learns_theta, self.learns_system = learn_theta, learn_system
        continuous = state_space(order).balanced()
        if learn_theta:
            self.log_theta = nn.Parameter(torch.log(torch.tensor(windows)))
        if learn_system:
            if len(windows) > 1:
                raise SpecError("one window must be given where A and B are trained")
            self.A = nn.Parameter(torch.tensor(continuous.A, dtype=torch.float32))
            self.B = nn.Parameter(torch.tensor(continuous.B, dtype=torch.float32))
        self._hold(windows, fixed)

    @classmethod
    def of(cls, memory: network.LinearMemory) -> LegendreMemory:
        """Return the memory of a network's layer, fixed."""
        made = cls(memory.order, max(memory.theta or 1.0, 1.0), channels=memory.channels)
        made.discretizer = memory.discretizer
        made._exported = [memory]
        made._hold([np.nan if memory.theta is None else memory.theta], [memory.system()])
        return made

    def _hold(self, windows: Sequence[float], fixed: Sequence[StateSpace]) -> None:
        """Make the constants that the recursion follows from."""
        self.hold("_windows", np.array(windows))
        if self.is_learned:
            continuous = state_space(self.order)
            self.hold("_scale", continuous.scale)
            self.hold("_A", continuous.balanced().A)
            self.hold("_B", continuous.balanced().B)
            return
        scale, balanced = state_space(self.order).scale, [system.balanced() for system in fixed]
        delta = np.stack([b.A for b in balanced])
        self.hold("_Abar", (delta + np.eye(self.order)) * (scale[:, None] / scale))
        self.hold("_Bbar", np.stack([b.B for b in balanced]) * scale)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> LegendreMemory:
        self._response = None
        super()._apply(fn, recurse)
        return self

    @property
    def theta(self) -> Tensor:
        """Windows [samples], shape (1,) or (channels,), float64; NaN where none is known."""
        return (
            torch.exp(self._exact(self.log_theta)) if self.learns_theta else self.exact("_windows")
        )

    @property
    def is_learned(self) -> bool:
        """Whether the recursion is trained."""
        return self.learns_theta or self.learns_system

    def recursion(self) -> Recursion:
        """Return the current recursion, in float64."""
        if not self.is_learned:
            return Recursion(Abar=self.exact("_Abar"), Bbar=self.exact("_Bbar"))
        delta, B = self._discretized()
        scale, eye = (
            self.exact("_scale"),
            torch.eye(self.order, dtype=delta.dtype, device=delta.device),
        )
        return Recursion(Abar=(delta + eye) * (scale[:, None] / scale), Bbar=B * scale)

    def _exact(self, parameter: Tensor) -> Tensor:
        """Return a parameter in float64, where the constants are."""
        return parameter.to(self.exact("_windows"))

    def _discretized(self) -> tuple[Tensor, Tensor]:
        """Return (Abar - I, Bbar) in orthonormal coordinates (equation 5), differentiable."""
        if self.learns_system:
            A, B = self._exact(self.A), self._exact(self.B)
        else:
            A, B = self.exact("_A"), self.exact("_B")
        theta = self.theta
        A, B = A / theta[:, None, None], B / theta[:, None]
        if self.discretizer is Discretizer.EULER:
            return A, B
        eye, d = torch.eye(self.order, dtype=A.dtype, device=A.device), self.order
        if self.discretizer is Discretizer.BILINEAR:
            both = torch.linalg.solve(eye - A / 2, torch.cat([A, B[:, :, None]], dim=2))
        else:
            block = nn.functional.pad(torch.cat([A, B[:, :, None]], dim=2), (0, 0, 0, 1))
            both = torch.linalg.matrix_exp(block)[:, :d]
            both = torch.cat([both[:, :, :d] - eye, both[:, :, d:]], dim=2)
        return both[:, :, :d], both[:, :, d]

    def forward(
        self, u: Tensor, state: Tensor | None = None, *, last_only: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Run all steps at once: a convolution with the impulse response, by FFT.

        Parameters
        ----------
        u : tensor, shape (n_sequences, n_steps, channels)
            Of at least one step.
        state : tensor, shape (n_sequences, channels * order), optional
            Default: zeros.
        last_only : bool
            Return only the last step, by one matrix product.

        Returns
        -------
        m : tensor, shape (n_sequences, n_steps or 1, channels * order)
        state : tensor, shape (n_sequences, channels * order)
        """
        check_steps(u)
        n_sequences, n_steps, _ = u.shape
        if not n_sequences:
            # neither FFT nor reshape takes a batch of none
            start = None if state is None else one_more(state)
            m, state = self(one_more(u), start, last_only=last_only)
            return m[:0], state[:0]
        dtype, u = u.dtype, u.to(wide(u.dtype))
        h = self._responses(n_steps).to(u)
        if last_only:
            h = h.flip(0).expand(-1, self.channels, -1)
            m = torch.einsum("btc,tcd->bcd", u, h)[:, None]
        else:
            m = self._convolve(u, h)
        if state is not None:
            start = state.reshape(n_sequences, self.channels, self.order).to(u)
            recursion = self.recursion().to(u)
            groups = recursion.Abar.expand(self.channels, -1, -1)
            free = Recursion(Abar=groups, Bbar=recursion.Bbar).free(start, n_steps + 1)[1:]
            m = m + (free[-1:] if last_only else free).transpose(0, 1)
        m = m.reshape(n_sequences, -1, self.channels * self.order)
        return m.to(dtype), m[:, -1]

    def _responses(self, n_steps: int) -> Tensor:
        """Return the impulse response in float64; that of a fixed recursion is cached."""
        if self.is_learned:
            return self.recursion().responses(n_steps)
        if self._response is None or len(self._response) < n_steps:
            self._response = self.recursion().responses(n_steps)
        return self._response[:n_steps]

    def _convolve(self, u: Tensor, h: Tensor) -> Tensor:
        n_steps = u.shape[1]
        # twice the length: a circular convolution without wrap-around
        n = 1 << (2 * n_steps - 1).bit_length()
        product = torch.fft.rfft(u, n, dim=1)[:, :, :, None] * torch.fft.rfft(h, n, dim=0)
        return torch.fft.irfft(product, n, dim=1)[:, :n_steps]

    def memories(self) -> tuple[network.LinearMemory, ...]:
        """Return the memories of the network: one for all channels, or one for each.

        Raises
        ------
        UnstableError
            If the trained memory is not stable.
        """
        if self.learns_system:
            found, scale = self.recursion(), state_space(self.order).scale
            delta = numbers(found.Abar[0]) - np.eye(self.order)
            system = StateSpace(A=delta, B=numbers(found.Bbar[0]), scale=scale.copy())
            return (self._describe(float(numbers(self.theta)[0]), system),)
        if self.learns_theta:
            windows = numbers(self.theta).tolist()
            if windows != [memory.theta for memory in self._exported]:
                self._exported = [self._describe(t) for t in windows]
        # the same objects while nothing changes: their analysis is cached by identity
        return tuple(self._exported)

    def _describe(self, theta: float, system: StateSpace | None = None) -> network.LinearMemory:
        return network.LinearMemory(
            order=self.order,
            theta=theta,
            discretizer=self.discretizer,
            channels=self.channels if self.n_windows == 1 else 1,
            trained=system,
        )
