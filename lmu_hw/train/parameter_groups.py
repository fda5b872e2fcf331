"""Parameter groups of a model: a learned memory is never decayed, its windows have their own rate.

A window is trained as a logarithm, so that a step of Adam with rate r changes it by up to 100 r %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn, optim

from .._support.validation import check_positive, check_real
from ..errors import SpecError
from .trainable_memory import LegendreMemory

Optimiser = optim.Optimizer | Callable[[list[dict[str, Any]]], optim.Optimizer]
THETA_LR = 0.03
"""Learning rate of windows: a step of Adam changes them by up to 3 %."""


def parameter_groups(
    model: nn.Module, lr: float, *, weight_decay: float = 0.0, theta_lr: float = THETA_LR
) -> list[dict[str, Any]]:
    """Return groups for an optimiser, such as ``torch.optim.SGD(parameter_groups(model, 0.1))``.

    Parameters
    ----------
    model : Module
    lr : float
        Learning rate of all parameters but windows.
    weight_decay : float
        Of all parameters but windows, A and B: zero means nothing to them.
    theta_lr : float
        Learning rate of windows.
    """
    matrices, windows = _memory_parameters(model)
    apart = {id(p) for p in (*matrices, *windows)}
    weights = [p for p in model.parameters() if p.requires_grad and id(p) not in apart]
    groups: list[dict[str, Any]] = [{"params": weights, "lr": lr, "weight_decay": weight_decay}]
    groups.append({"params": matrices, "lr": lr, "weight_decay": 0.0})
    # the first, large gradients must not slow a window down for a thousand steps
    groups.append({"params": windows, "lr": theta_lr, "weight_decay": 0.0, "betas": (0.9, 0.99)})
    return [group for group in groups if group["params"]]


def check_decay(model: nn.Module, optimiser: optim.Optimizer) -> None:
    """Raise `SpecError` if an optimiser would decay a window, A or B."""
    matrices, windows = _memory_parameters(model)
    apart = {id(p) for p in (*matrices, *windows)}
    for group in optimiser.param_groups:
        if group.get("weight_decay", 0.0) and any(id(p) in apart for p in group["params"]):
            raise SpecError(
                "weight_decay must be 0 for theta, A and B, which it would shrink; "
                "give the optimiser lmu_hw.train.parameter_groups(model, lr, weight_decay=...)"
            )


def optimiser_of(
    model: nn.Module,
    optimiser: Optimiser | None,
    lr: float | None,
    weight_decay: float,
    theta_lr: float,
) -> optim.Optimizer:
    """Return the optimiser that a user gave or asked for; AdamW by default.

    Raises
    ------
    SpecError
        If a rate is missing or superfluous, or a memory would be decayed.
    """
    if isinstance(optimiser, optim.Optimizer):
        if lr is not None or weight_decay:
            raise SpecError("lr and weight_decay must be left out: the optimiser has its own")
        made = optimiser
    else:
        if lr is None:
            raise SpecError("lr must be given, the learning rate, such as 2e-3")
        rate = check_positive("lr", lr)
        if check_real("weight_decay", weight_decay) < 0.0:
            raise SpecError(f"weight_decay must be >= 0, not {weight_decay!r}")
        groups = parameter_groups(
            model,
            rate,
            weight_decay=weight_decay,
            theta_lr=check_positive("theta_lr", theta_lr),
        )
        if not groups:
            raise SpecError("the model must have a parameter to train")
        made = (optimiser or optim.AdamW)(groups)
    check_decay(model, made)
    return made


def memories(model: nn.Module) -> Iterator[LegendreMemory]:
    """Yield the memories of a model, in order."""
    return (m for m in model.modules() if isinstance(m, LegendreMemory))


def _memory_parameters(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Return the trained matrices and the trained windows of a model's memories."""
    found = list(memories(model))
    matrices: list[Tensor] = [p for m in found if m.learns_system for p in (m.A, m.B)]
    windows: list[Tensor] = [m.log_theta for m in found if m.learns_theta]
    return matrices, windows
