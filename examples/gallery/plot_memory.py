"""
From a memory to verified words
===============================

A Legendre Memory Unit keeps a window of its input as Legendre coefficients. This page compiles a
memory of order 64 to 16-bit integers, checks the generated C against the interpreter in every word,
and plots the window that one step's words hold.
"""

# %%
# The memory in floats
# --------------------
# ``Memory`` is the linear system of the paper, discretized. ``theta`` is the window in samples.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import lmu_hw as lh

memory = lh.Memory(64, theta=512)
rng = np.random.default_rng(0)
t = np.arange(2048)
u = 0.4 * np.sin(t / 37) + 0.3 * np.sin(t / 11.3) * (t % 700 < 350)
m = memory.simulate(u)
m.shape

# %%
# The memory in integers
# ----------------------
# ``bits=16`` means 16-bit input and output words whose RMS error is at most one least significant
# bit (LSB). The compiler chooses all other word lengths.

design = lh.compile(memory, bits=16)
print(design)

# %%
# ``predict`` runs the integer program on real values. The largest deviation from the floats is a
# few LSB of 2\ :sup:`-12`.

y = design.predict(u)
error_lsb = (y - m) * 2.0**12
print(f"largest deviation {np.abs(error_lsb).max():.2f} LSB, RMS {np.std(error_lsb):.2f} LSB")

# %%
# Verilog and C, verified
# -----------------------
# ``write`` makes a build directory. ``verify`` compiles its C and compares every word of every step
# with the interpreter. Without ``backends`` it also runs the Verilog in each simulator and the C on
# each emulated microcontroller that is installed.

folder = tempfile.TemporaryDirectory()
build = design.write(Path(folder.name) / "out")
report = build.verify(backends=["c"])
print(report)
assert report.passed

# %%
# What the words of one step hold
# -------------------------------
# A Legendre polynomial evaluated at a delay reads the window there: 0 is the newest sample, 1 the
# oldest.

delays = np.linspace(0, 1, 400)
window = memory.decoder(delays) @ y[-1]

figure, (above, below) = plt.subplots(2, 1, figsize=(8, 5), layout="constrained")
above.plot(t - t[-1], u, color="0.7", lw=3, label="input")
above.plot(-delays * memory.theta, window, color="C3", lw=1.2, label="decoded from 64 words")
above.set(xlabel="samples before now", xlim=(-700, 0))
above.legend(frameon=False, loc="upper left")
below.plot(t, error_lsb[:, ::16], lw=0.6)
below.axhspan(-1, 1, color="0.9", zorder=0)
below.set(xlabel="step", ylabel="error of words 0, 16, 32, 48 [LSB]")
figure.show()

# %%
# The build directory needs lmu-hw no more: ``make -C out/rtl`` and ``make -C out/c`` check it.

sorted(path.relative_to(build.path).as_posix() for path in Path(build.path).glob("*"))

# %%
folder.cleanup()
