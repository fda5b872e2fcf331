"""The linear memory of an LMU layer, whose window and matrices can be learned.

Gradients pass through the discretization (the matrix exponential of zoh), so that a layer learns
its time step (Voelker, Kajić, Eliasmith, NeurIPS 2019, section 2). Discretization is always
computed in float64, because errors of Abar accumulate over a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import SpecError
from ..memory.legendre import StateSpace, state_space
from ..memory.spec import Discretizer
from ..models import network


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
        while len(found) < n_steps:
            found = torch.cat([found, torch.einsum("...gj,gij->...gi", found, power)])
            power = power @ power
        return found[:n_steps]

    def responses(self, n_steps: int) -> Tensor:
        """Return the exact impulse response ``Abar^t Bbar``, shape (n_steps, n_groups, d)."""
        return self.free(self.Bbar, n_steps)

    def to(self, dtype: torch.dtype) -> Recursion:
        """Return the same recursion in another precision."""
        return Recursion(Abar=self.Abar.to(dtype), Bbar=self.Bbar.to(dtype))


class LegendreMemory(nn.Module):
    """A Legendre memory of one or several channels.

    Parameters
    ----------
    order : int
        Coefficients of each channel, d.
    theta : float or sequence of float
        Window [samples], > 0; one for each channel where several are given.
    channels : int, optional
        Independent memories, by default as many as there are windows.
    discretizer : Discretizer
    learn_theta : bool
        Train the windows, as logarithms so that they stay positive.
    learn_system : bool
        Train A and B too, shared by all channels. They start as those of the Legendre memory.

    Notes
    -----
    Input ``(n_sequences, n_steps, channels)``; output and state hold channel after channel:
    ``(n_sequences, n_steps, channels * order)`` and ``(n_sequences, channels * order)``.

    Raises
    ------
    SpecError
        If a size or window is out of range, or windows differ where the matrices are trained.
    UnstableError
        If euler is asked for with a window that is too short.
    """

    log_theta: Tensor

    def __init__(
        self,
        order: int,
        theta: float | Sequence[float],
        *,
        channels: int | None = None,
        discretizer: Discretizer = Discretizer.ZOH,
        learn_theta: bool = False,
        learn_system: bool = False,
    ) -> None:
        super().__init__()
        windows = [float(t) for t in ([theta] if isinstance(theta, (int, float)) else theta)]
        self.order, self.discretizer = order, discretizer
        self.channels = channels or len(windows)
        if len(windows) not in (1, self.channels):
            raise SpecError(f"theta must be one window, or one of each of {self.channels} channels")
        self._windows = windows
        self._exported = [self._describe(t) for t in windows]
        # raises UnstableError
        self._fixed = [memory.system() for memory in self._exported]
        self._scale = state_space(order).scale
        self._continuous = state_space(order).balanced()
        self._response: tuple[int, Tensor] | None = None
        self.learns_theta, self.learns_system = learn_theta, learn_system
        if learn_theta:
            self.log_theta = nn.Parameter(torch.log(torch.tensor(windows)))
        if learn_system:
            if len(windows) > 1:
                raise SpecError("one window must be given where A and B are trained")
            self.A = nn.Parameter(torch.tensor(self._continuous.A, dtype=torch.float32))
            self.B = nn.Parameter(torch.tensor(self._continuous.B, dtype=torch.float32))

    @classmethod
    def of(cls, memory: network.LinearMemory) -> LegendreMemory:
        """Return the memory of a network's layer, fixed."""
        made = cls(memory.order, memory.theta or 1.0, channels=memory.channels)
        made.discretizer = memory.discretizer
        made._windows = [np.nan if memory.theta is None else memory.theta]
        made._fixed, made._exported = [memory.system()], [memory]
        return made

    @property
    def theta(self) -> Tensor:
        """Windows [samples], shape (1,) or (channels,), float64; NaN where none is known."""
        if self.learns_theta:
            return torch.exp(self.log_theta.double())
        return torch.tensor(self._windows, dtype=torch.float64)

    @property
    def n_windows(self) -> int:
        """Number of windows: 1, or one for each channel."""
        return len(self._windows)

    @property
    def is_learned(self) -> bool:
        """Whether the recursion is trained."""
        return self.learns_theta or self.learns_system

    def recursion(self) -> Recursion:
        """Return the current recursion, in float64."""
        scale = torch.tensor(self._scale)
        if self.is_learned:
            delta, B = self._discretized()
        else:
            balanced = [system.balanced() for system in self._fixed]
            delta = torch.tensor(np.stack([b.A for b in balanced]))
            B = torch.tensor(np.stack([b.B for b in balanced]))
        A = delta + torch.eye(self.order, dtype=torch.float64)
        return Recursion(Abar=A * (scale[:, None] / scale), Bbar=B * scale)

    def _discretized(self) -> tuple[Tensor, Tensor]:
        """Return (Abar - I, Bbar) in orthonormal coordinates (equation 5), differentiable."""
        if self.learns_system:
            A, B = self.A.double(), self.B.double()
        else:
            A, B = torch.tensor(self._continuous.A), torch.tensor(self._continuous.B)
        theta = self.theta
        A, B = A / theta[:, None, None], B / theta[:, None]
        if self.discretizer is Discretizer.EULER:
            return A, B
        eye, d = torch.eye(self.order, dtype=torch.float64), self.order
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
        state : tensor, shape (n_sequences, channels * order), optional
            Default: zeros.
        last_only : bool
            Return only the last step, by one matrix product.

        Returns
        -------
        m : tensor, shape (n_sequences, n_steps or 1, channels * order)
        state : tensor, shape (n_sequences, channels * order)
        """
        n_sequences, n_steps, _ = u.shape
        h = self._responses(n_steps, u.dtype)
        if last_only:
            h = h.flip(0).expand(-1, self.channels, -1)
            m = torch.einsum("btc,tcd->bcd", u, h)[:, None]
        else:
            m = self._convolve(u, h)
        if state is not None:
            start = state.reshape(n_sequences, self.channels, self.order)
            recursion = self.recursion().to(u.dtype)
            groups = recursion.Abar.expand(self.channels, -1, -1)
            free = Recursion(Abar=groups, Bbar=recursion.Bbar).free(start, n_steps + 1)[1:]
            m = m + (free[-1:] if last_only else free).transpose(0, 1)
        m = m.reshape(n_sequences, -1, self.channels * self.order)
        return m, m[:, -1]

    def _responses(self, n_steps: int, dtype: torch.dtype) -> Tensor:
        """Return the impulse response; that of a fixed recursion is cached."""
        if self.is_learned:
            return self.recursion().responses(n_steps).to(dtype)
        if self._response is None or self._response[0] < n_steps:
            self._response = n_steps, self.recursion().responses(n_steps)
        return self._response[1][:n_steps].to(dtype)

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
            found, scale = self.recursion(), self._scale
            delta = (found.Abar[0] - torch.eye(self.order, dtype=torch.float64)).detach().numpy()
            B = found.Bbar[0].detach().numpy()
            system = StateSpace(A=delta.copy(), B=B.copy(), scale=scale.copy())
            return (self._describe(float(self.theta.detach()[0]), system),)
        if self.learns_theta:
            windows = self.theta.detach().tolist()
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
