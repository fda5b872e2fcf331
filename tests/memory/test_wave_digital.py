"""The cascade is the dense memory, exactly, in d adaptors."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.errors import UnstableError
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.float_memory import run_memory
from lmu_hw.memory.legendre import StateSpace, state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.memory.wave_digital import (
    Sections,
    build_chain,
    cascade,
    fit_readout,
    poles,
    sections_of,
    squarings,
    stein,
)

CASES = [
    pytest.param(d, theta, marks=pytest.mark.soak if d == 1024 else ())
    for d in (1, 2, 3, 6, 16, 64, 256, 1024)
    for theta in (d, 1000, 100_000)
    if theta >= d and (d < 1024 or theta != 1000)
]


def run_chain(sections: Sections, u: np.ndarray) -> np.ndarray:
    """Run the adaptors in float64, as the program runs them in integers; (n_steps, d) states."""

    def adaptor(a: float, b: float, e: float) -> tuple[float, float]:
        t = e * (b - a)
        return a + t, 2 * a - b + t

    state = [[0.0] * len(section) for section in sections]
    out = np.empty((len(u), sum(map(len, sections))))
    for t, w in enumerate(u):
        for section, z in zip(sections, state, strict=True):
            if len(section) == 1:
                z[0], w = adaptor(z[0], w, section[0])
            else:
                w, f = adaptor(w, z[0], section[0])
                z[1], z[0] = adaptor(z[1], f, section[1])
        out[t] = [x for z in state for x in z]
    return out


@pytest.mark.parametrize(("order", "theta"), CASES)
def test_cascade_equals_dense_recursion(order: int, theta: int) -> None:
    system = discretize(state_space(order), theta, Discretizer.ZOH)
    realized = cascade(system)
    u = np.random.default_rng(order).standard_normal(200 if order == 1024 else 1000)
    chain = realized.chain
    got = (run_chain(chain.sections, u) * chain.weight) @ realized.T.T / system.scale
    wanted = run_memory(system, u[:, None])[:, 0] / system.scale
    # float64 roundoff of both recursions; measured 1e-13 at worst
    assert np.linalg.norm(got - wanted) <= 1e-12 * np.linalg.norm(wanted)
    assert np.max(np.abs(got - wanted)) <= 1e-11 * np.max(np.abs(wanted))


@pytest.mark.parametrize("method", list(Discretizer))
@pytest.mark.parametrize("order", [1, 2, 5, 12])
def test_every_discretizer(order: int, method: Discretizer) -> None:
    system = discretize(state_space(order), 60.0, method)
    realized = cascade(system)
    u = np.random.default_rng(0).uniform(-1, 1, 400)
    got = (run_chain(realized.chain.sections, u) * realized.chain.weight) @ realized.T.T
    np.testing.assert_allclose(got, run_memory(system, u[:, None])[:, 0], atol=1e-11)


@pytest.mark.parametrize("real", [0, 1, 4])
def test_arbitrary_stable_memory(real: int) -> None:
    """A trained A is a memory like any other, poles at negative reals and wide angles included."""
    rng = np.random.default_rng(real)
    blocks = [
        r * np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
        for r, a in [(0.9, 0.3), (0.7, 2.5), (0.99, 0.05)]
    ] + [np.array([[x]]) for x in (0.95, -0.8, 0.2, -0.1)[:real]]
    d = sum(map(len, blocks))
    A = np.zeros((d, d))
    at = 0
    for block in blocks:
        A[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    V = np.linalg.qr(rng.standard_normal((d, d)))[0] + 0.1 * rng.standard_normal((d, d))
    A = V @ A @ np.linalg.inv(V)
    system = StateSpace(A=A - np.eye(d), B=rng.standard_normal(d), scale=np.ones(d))
    realized = cascade(system)
    u = rng.standard_normal(300)
    got = (run_chain(realized.chain.sections, u) * realized.chain.weight) @ realized.T.T
    # the eigenvalues' conditioning, about 1e2 here, times roundoff
    np.testing.assert_allclose(got, run_memory(system, u[:, None])[:, 0], atol=1e-9)


def test_unstable_memory_is_refused() -> None:
    for radius in (1.0, 1.2):
        system = StateSpace(A=np.array([[radius - 1.0]]), B=np.ones(1), scale=np.ones(1))
        with pytest.raises(UnstableError, match=r"pole of magnitude 1.* must be < 1"):
            poles(system)


@pytest.mark.parametrize("order", [1, 2, 7, 32])
def test_chain_is_orthonormal_whatever_its_coefficients(order: int) -> None:
    rng = np.random.default_rng(order)
    sections = tuple(
        tuple(rng.uniform(0.01, 1.99, rng.integers(1, 3)).tolist()) for _ in range(order)
    )
    chain = build_chain(sections)
    gramian = stein(chain.squarings, np.outer(chain.b, chain.b), chain.squarings)
    # roundoff of the doubling, chains of radius up to 0.99
    np.testing.assert_allclose(gramian, np.eye(chain.order), atol=1e-10)


def test_chain_matrices_are_those_of_the_adaptors() -> None:
    sections = ((0.3, 0.2), (0.7,), (0.05, 1.4), (1.6,))
    chain = build_chain(sections)
    u = np.random.default_rng(3).standard_normal(50)
    z = np.zeros(chain.order)
    states = run_chain(sections, u) * chain.weight
    for x, wanted in zip(u, states, strict=True):
        w, f = chain.w_rows @ z + chain.w_direct * x, chain.f_rows @ z + chain.f_direct * x
        (outer, inner), z1, z2 = sections[0], z[0] / chain.weight[0], z[1] / chain.weight[1]
        # the first section by hand, from the definition of the adaptor
        np.testing.assert_allclose(w[0], x + outer * (z1 - x), atol=1e-12)
        np.testing.assert_allclose(f[0], 2 * x - z1 + outer * (z1 - x), atol=1e-12)
        z = z + chain.A @ z + chain.b * x
        np.testing.assert_allclose(z[1] / chain.weight[1], z2 + inner * (f[0] - z2), atol=1e-12)
        np.testing.assert_allclose(z, wanted, atol=1e-12)


def test_noise_columns_are_responses_to_rounding() -> None:
    """Adding an error where the program rounds moves the state by the column that says so."""
    sections = ((0.3, 0.2), (0.7,), (0.5, 1.1))
    chain = build_chain(sections)
    assert chain.noise_kind == (
        "chain", "outer", "outer", "inner", "chain", "inner", "chain", "outer", "outer", "inner"
    )  # fmt: skip
    for source in range(len(chain.noise_kind)):
        z = np.array(_one_step(sections, source)) * chain.weight
        np.testing.assert_allclose(z, chain.noise[:, source], atol=1e-12)


def _one_step(sections: Sections, source: int) -> list[float]:
    """Return the state after one step from zero with a unit error at one rounding."""
    count = -1

    def rounded(x: float) -> float:
        nonlocal count
        count += 1
        return x + (count == source)

    w = rounded(0.0)
    out: list[float] = []
    for section in sections:
        if len(section) == 1:
            t = section[0] * w
            out.append(rounded(t))
            w = -w + t
        else:
            t = -section[0] * w
            w, f = w + t, rounded(2 * w + t)
            t = section[1] * f
            out += [rounded(-f + t), rounded(t)]
        w = rounded(w)
    return out


def test_refit_beats_the_old_readout() -> None:
    """After rounding, T fitted to the rounded chain reads better than the T of the exact one."""
    system = discretize(state_space(16), 128.0, Discretizer.ZOH)
    exact = cascade(system)
    rounded = build_chain(
        tuple(tuple(round(e * 64) / 64 or 1 / 64 for e in s) for s in exact.chain.sections)
    )
    refit = fit_readout(system, rounded)
    u = np.random.default_rng(1).standard_normal(2000)
    wanted = run_memory(system, u[:, None])[:, 0] / system.scale
    z = run_chain(rounded.sections, u) * rounded.weight
    errors = [np.linalg.norm(z @ (T / system.scale[:, None]).T - wanted) for T in (refit, exact.T)]
    assert errors[0] < 0.7 * errors[1]


def test_response_is_the_transform_of_the_impulse_response() -> None:
    chain = build_chain(((0.3, 0.2), (0.7,), (0.05, 1.4)))
    n = 4096
    impulse = np.zeros(n)
    impulse[0] = 1.0
    states = run_chain(chain.sections, impulse) * chain.weight
    points = np.exp(2j * np.pi * np.array([0, 5, 700, 2048]) / n)
    wanted = (points[:, None] ** -np.arange(n)) @ states
    np.testing.assert_allclose(chain.response(points).T, wanted, atol=1e-9)


def test_sections_of_known_poles() -> None:
    pole = 0.9 * np.exp(0.2j)
    ((outer, inner),) = sections_of(np.array([pole - 1.0]))
    assert outer == pytest.approx(1 - 0.81)
    assert inner == pytest.approx(abs(1 - pole) ** 2 / 1.81)
    assert sections_of(np.array([-0.25 + 0j])) == ((0.25,),)


def test_squarings_decay() -> None:
    powers = squarings(np.array([[-1e-4]]))
    assert powers[3][0, 0] == pytest.approx((1 - 1e-4) ** 8)
    assert powers[-1][0, 0] <= 1e-18
