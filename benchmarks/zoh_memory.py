"""The zoh memory in fewer than d^2 multiplies a step: docs/results/zoh_memory.md.

    python benchmarks/zoh_memory.py

Compares approximations of exp(A / theta) in float64, then runs the best of them in integers
(`zoh_polynomial.py`, `zoh_errors.py`). It reads the float memory from internal modules.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from zoh_errors import float_errors, integer_table
from zoh_polynomial import LSB, Array, continuous, fit, polynomial, scale

from lmu_hw.memory.discretize import discretize, expm1
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.memory.wave_digital import cascade

SIZES = ((6, 100), (16, 128), (64, 512), (64, 784))
"""Orders, and windows [samples], of the float comparisons."""
PAGE = Path(__file__).parent.parent / "docs" / "results" / "zoh_memory.md"

Systems = tuple[tuple[float, Array], ...]
"""Memories with the same input, and the weight of each in the output."""

TEXT = r"""
# The zoh memory in fewer than d² multiplies

The cascade realization computes its state in d multiplies a step, but the memory itself, m = T z,
in d² more. For the bilinear discretization a ladder avoids T. Is there anything for zoh that
keeps every word within one LSB (2^-15, RMS) of the float64 memory and decays to exactly zero?

**Yes: a polynomial of degree k in A costs k d multiplies, with k = 3 to 13.** It is a prototype
in NumPy (`benchmarks/zoh_polynomial.py`); no backend computes it yet. Repeat this page by `python
benchmarks/zoh_memory.py` (two minutes).

## The rule

A zoh step is m' = u e_0 + exp(z) (m - u e_0), z = A/theta, exactly, because A e_0 = -B. Only
exp(z) is approximated, by p(z) = 1 + c_1 z + ... + c_k z^k, so that a constant input gives its
exact steady state whatever p is. Legendre's A costs one product a row and no matrix:

    (A x)_i = -(2i+1) (S - 2 P_i),    S = the sum of all x_j
                                      P_i = the sum of x_j, j < i, i - j odd

A step in integers, every word in one format with f fractional bits:

    n = m,  n_0 -= u,  x = n
    for j = k, ..., 1:
        x_i = n_i - round(q_ji (S - 2 P_i) 2^-shift_ji)    for all i; S, P_i from the old x
    m' = x,  m'_0 += u

where q_ji 2^-shift_ji is (c_j / c_(j-1)) (2i+1) / theta, rounded. S of the next stage accumulates
while x is written; P_i is two running sums. No product waits for another of its stage, unlike in
the sweeps of a ladder. c is a least-squares fit to the impulse response of the zoh memory:
Taylor's coefficients need one to three more stages, because they spend accuracy on states that no
input reaches.

## Integers

<INTEGERS>

Errors are RMS, of the worst row, in LSB of 2^-15, before the output is rounded, over three
windows at full scale: noise, squares of three periods, constants. *Without a table*: all
coefficients of a stage are 2i+1 times one integer of the stage, 31 bits at most, so that a
program adds instead of loading them. *Word bits* hold every word and every sum S - 2 P_i for
every input (sum of the magnitudes of the impulse response). k is the lowest degree whose float
error is at most 0.2 LSB for noise.

## Why zero input ends at exactly zero

After W windows of zeros no past input moves a word by an LSB; from then on a step takes a little
off every word (s and D_i as in the table, D_i = (2i+1) D_0):

    m'_i = sign(x_i) max(0, |x_i| - ceil(|x_i| 2^-s) - D_i)

Let M be the map of the rounded coefficients without the roundings of products, and E(m) = sum of
m_i² / (2i+1).

1. x_i differs from (M m)_i by at most e_i, half an LSB from each stage times the absolute row
   sums of the stages after it. D_i > e_i.
2. (1 - 2^-s) ||M|| < 1 in the norm of E: computed in float64 with a margin of 1e-9. M is nearly a
   contraction, because exp(A/theta) is one: A + A' <= 0 in orthonormal coordinates.
3. Where m'_i is not zero, |m'_i| <= (1 - 2^-s) (|(M m)_i| + e_i) - D_i < (1 - 2^-s) |(M m)_i|. So
   E(m') < E(m), unless m' = 0. Below E(m) are finitely many values: zero is reached.

The argument needs nothing of the polynomial but a bound of its rounding errors and of its norm:
it holds for any computation of a memory, Padé approximants and dense matrices included. The
benchmark stops if E does not fall in a step; the last column is for 200 random states (20 from d
= 128 on) of magnitudes up to 4. Without D_i the argument fails: of 200 random states at (64, 512)
all died too, but E rose in 12 of their steps; rounded half up, none dies (measured once).

States that inputs reach cannot overflow in a zero-input run: their words are within about an LSB
of zero when it begins, and E falls. A state loaded from outside can make the sums wider, by 3 bits
at d = 6, 6 at d = 64 and 9 at d = 256: load must bound E, or the sums need these bits.

## What else was tried, in float64

RMS error of the worst row in LSB, noise / squares, after the first window. *Norm - 1*: the
largest of the four sizes; 0 is a contraction.

<FLOAT>

- **Ladder, substeps.** Second order: 1 LSB at d = 64 takes about 50 to 80 substeps. Extrapolating
  two or three ladders leaves each of them passive (the combination is only a readout) and gains
  two orders each time. At d = 64 the first that is below 1 LSB takes 1,006 multiplies.
- **Compositions with a step backwards.** Fourth order, but the backward step is no contraction.
- **Padé.** Every (k, k) is a contraction, hence passive by the rule above. A pair of its poles p,
  p*, p = a + j b, is n - (4a/b) Im((1 - z/p)^-1 n), one ladder with complex coefficients: 3 d
  multiplies for products, 2 d to scale the odd rows. A real pole is a ladder step, 1.5 d.
  These are counts; none is built. (4,4) costs as much as degree 10, in serial sweeps.
- **Correcting the ladder.** Its poles are elsewhere, so that no readout of its state is enough:
  the table below has the least noise error with any d x d matrix on the state, and with the last
  8 inputs too.
- **Compressing.** T does not compress. Abar does: rank 2 or 3 at 1e-5 of its norm above and below
  the diagonal, 2 to 4 at 1e-7. Running sums of r pairs of vectors would cost about 4 r d.

<BOUNDS>

Measured once, not by the script: tuning the pole of Padé(2,2) gains nothing; polynomials of degree
6 in a ladder step leave .34 LSB at (64, 512), of degree 8 1.1 LSB at (256, 2048) (9 d and 12 d
multiplies, serial); leaving products of low rows out of the inner stages saves 1 %.

## Recommended

Degree k by the fit, as a realization of its own for zoh memories whose output is m (or many
taps): 8.1 times fewer multiplies than T at (64, 512), 19.8 times at (256, 2048), 1.8 times at d =
6. The cascade stays best where a few taps or a network's weights read the state, since T folds
into them. Not examined: orders above 256. There the rounding errors of a step grow (D_0 = 50 at
d = 256, because the norm of z is 20), so that two substeps of lower degree may be better.
"""


def cayley(z: Array, step: float = 1.0) -> Array:
    """Return a bilinear step: what the wave digital ladder computes."""
    eye = np.eye(len(z))
    return np.asarray(np.linalg.solve(eye - step * z / 2, eye + step * z / 2))


def pade(z: Array, k: int) -> Array:
    """Return the Padé approximant (k, k) of exp(z)."""
    f, eye = math.factorial, np.eye(len(z))
    above, below, power = 0 * eye, 0 * eye, eye
    for j in range(k + 1):
        c = f(2 * k - j) * f(k) / (f(2 * k) * f(j) * f(k - j))
        above, below, power = above + c * power, below + (-1) ** j * c * power, power @ z
    return np.asarray(np.linalg.solve(below, above))


def ladders(z: Array) -> list[tuple[str, str, Systems]]:
    """Return (name, multiplies, systems) of what is made of bilinear steps."""

    def substeps(k: int) -> Array:
        return np.linalg.matrix_power(cayley(z / k), k)

    names: list[tuple[str, str, Systems]] = [
        (f"ladder, {k} substeps, input held", f"{k} (d+1) + d/2", ((1.0, substeps(k)),))
        for k in (1, 2, 4, 8, 16, 64)
    ]
    for k in (1, 4, 8):
        pair = (-1 / 3, substeps(k)), (4 / 3, substeps(2 * k))
        cost = f"{3 * k} (d+1) + d"
        names.append((f"ladders of {k} and {2 * k} substeps, extrapolated", cost, pair))
    three = (1 / 45, substeps(2)), (-20 / 45, substeps(4)), (64 / 45, substeps(8))
    names.append(("ladders of 2, 4, 8 substeps, extrapolated", "14 (d+1) + 1.5 d", three))
    g, h = 1 / (2 - 2 ** (1 / 3)), 1 / (4 - 4 ** (1 / 3))
    yoshida = cayley(z, g) @ cayley(z, 1 - 2 * g) @ cayley(z, g)
    outer = cayley(z, h) @ cayley(z, h)
    suzuki = outer @ cayley(z, 1 - 4 * h) @ outer
    names.append(("3 ladder steps, one backwards (Yoshida)", "3 (d+1) + d/2", ((1.0, yoshida),)))
    names.append(("5 ladder steps, one backwards (Suzuki)", "5 (d+1) + d/2", ((1.0, suzuki),)))
    return names


def candidates(z: Array, theta: int) -> list[tuple[str, str, Systems]]:
    """Return (name, multiplies, systems) of everything that is compared."""
    names = ladders(z)
    for k, cost in ((2, "5 d"), (3, "6.5 d"), (4, "10 d")):
        names.append((f"Padé({k},{k})", cost, ((1.0, pade(z, k)),)))
    taylor = np.array([1 / math.factorial(j) for j in range(13)])
    for k in (4, 6, 8, 10, 12):
        names.append((f"Taylor, degree {k}", f"{k} d", ((1.0, polynomial(z, taylor[: k + 1])),)))
    for k in (4, 5, 6, 7, 8, 9):
        fitted = polynomial(z, fit(z, theta, k)[0])
        names.append((f"**fitted, degree {k}**", f"{k} d", ((1.0, fitted),)))
    return names


def float_table() -> list[str]:
    """Return the table of approximations."""
    sizes = " | ".join(f"({d}, {theta})" for d, theta in SIZES)
    lines = [f"| exp(A/theta) by | multiplies | {sizes} | norm - 1 |"]
    lines.append("|" + "---|" * (len(SIZES) + 3))
    memories = [(continuous(d, theta), theta) for d, theta in SIZES]
    for named in zip(*(candidates(z, theta) for z, theta in memories), strict=True):
        cells, norm = [], 0.0
        for (_, _, systems), (z, theta) in zip(named, memories, strict=True):
            norm = max(norm, *(float(np.linalg.norm(M, 2)) - 1 for _, M in systems))
            noise, squares, _ = float_errors(z, theta, *systems)
            cells.append(f"{figure(noise)} / {figure(squares)}")
        cells.append("0" if norm < 1e-12 else f"{norm:.0e}")
        lines.append(f"| {named[0][0]} | {named[0][1]} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def figure(x: float) -> str:
    """Return two significant digits."""
    if x < 0.001:
        return "< .001"
    return f"{x:.2g}" if x < 100 else f"{float(f'{x:.2g}'):,.0f}"


def block_ranks(M: Array, part: float) -> str:
    """Return the ranks, at a part of the norm, of the blocks above and below the diagonal."""
    half, least = len(M) // 2, part * np.linalg.norm(M, 2)
    values = (np.linalg.svd(B)[1] for B in (M[:half, half:], M[half:, :half]))
    return ", ".join(str(int(np.sum(v > least))) for v in values)


def corrected_ladder(order: int, theta: int, n_taps: int) -> float:
    """Return the worst row's RMS error [LSB] of the best correction of a bilinear memory.

    The correction is any d x d matrix on its state and any weights of the last n_taps inputs; the
    input is noise, uniform at full scale.
    """
    z = continuous(order, theta)
    responses = []
    for M in (cayley(z), np.eye(order) + expm1(z)):
        x, rows = (np.eye(order) - M)[:, 0], []
        for _ in range(4 * theta):
            rows.append(x)
            x = M @ x
        responses.append(np.array(rows))
    columns = np.column_stack([responses[0], np.eye(4 * theta, n_taps)])
    rest = responses[1] - columns @ np.linalg.lstsq(columns, responses[1], rcond=None)[0]
    return float((scale(order) * np.sqrt((rest**2).sum(axis=0) / 3)).max() / LSB)


def bounds_table() -> list[str]:
    """Return ranks of T and Abar, and the errors of the best static corrections of a ladder."""
    lines = [
        "| (d, theta) | rows of a block | ranks of T at 1e-5 | of Abar at 1e-5 | at 1e-7 "
        "| ladder, best d x d matrix | and best weights of 8 inputs |",
        "|---|---|---|---|---|---|---|",
    ]
    for d, theta in SIZES:
        discrete = discretize(state_space(d), theta, Discretizer.ZOH)
        T = cascade(discrete).T / scale(d)[:, None]
        Abar = np.eye(d) + discrete.balanced().A
        cells = [block_ranks(T, 1e-5), block_ranks(Abar, 1e-5), block_ranks(Abar, 1e-7)]
        cells += [figure(corrected_ladder(d, theta, n)) for n in (0, 8)]
        lines.append(f"| ({d}, {theta}) | {d // 2} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Print the tables; write the page."""
    page = TEXT.lstrip()
    tables = {"FLOAT": float_table(), "BOUNDS": bounds_table(), "INTEGERS": integer_table()}
    for name, lines in tables.items():
        page = page.replace(f"<{name}>", "\n".join(lines))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
