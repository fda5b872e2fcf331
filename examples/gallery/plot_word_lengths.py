"""
Fewer multiplies, fewer bits
============================

The cascade realization takes ``d`` multiplies a step where a dense matrix takes ``d`` squared, and
its coefficients tolerate fewer bits. This page compiles one memory both ways at several coefficient
widths and measures the signal-to-noise ratio of its words.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import lmu_hw as lh

memory = lh.Memory(32, theta=128)
rng = np.random.default_rng(1)
# Noise below the memory's highest frequency, d / (4 theta) cycles a sample.
spectrum = np.fft.rfft(rng.standard_normal(4096))
spectrum[np.fft.rfftfreq(4096) > memory.order / (4 * memory.theta)] = 0
u = np.fft.irfft(spectrum)
u *= 0.9 / np.abs(u).max()
m = memory.simulate(u)


def snr(design: lh.Design) -> float:
    """Return the SNR [dB] of the memory's words, after a first window."""
    error = design.predict(u) - m
    weight = 1 / np.sqrt(2 * np.arange(memory.order) + 1)
    power = [np.mean((x[int(memory.theta) :] * weight) ** 2) for x in (m, error)]
    return 10 * np.log10(power[0] / power[1])


# %%
widths = [6, 8, 10, 12, 14, 16]
ratio = {
    realization: [
        snr(
            lh.compile(
                memory,
                realization=realization,
                widths=lh.Widths(coef_bits=bits, weight_bits=16, state_bits=24),
            )
        )
        for bits in widths
    ]
    for realization in ("cascade", "dense")
}

# %%
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for realization, multiplies in (("cascade", 32), ("dense", 32**2)):
    label = f"{realization}: {multiplies} multiplies a step"
    axis.plot(widths, ratio[realization], marker="o", label=label)
axis.set(xlabel="bits of a coefficient", ylabel="SNR [dB]", xticks=widths)
axis.legend(frameon=False)
axis.grid(alpha=0.3)
figure.show()
