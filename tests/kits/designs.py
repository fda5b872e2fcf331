"""Designs for the kits of the C; two of them, and a program that runs both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lmu_hw.kits.kit import KitDesign
from lmu_hw.memory.spec import parse
from lmu_hw.program.integer_program import Program
from lmu_hw.quantize.quantize_memory import quantize_memory
from tests.factories import network_programs, programs, spiking_corners
from tests.factories.kit_designs import c_design

FIRST_OUTPUT = r"vector_out\[[^=]*= \{\s*\{-?\d*(?=\d[,}])"
"""What stands before a digit of the first output word in ``NAME_vectors.h``."""
APP = """
#include "gyro.hpp"
#include "ecg.hpp"
#include "gyro_vectors.h"
#include "ecg_vectors.h"
#include <cstring>

int main()
{
    lmu_hw::gyro::Model gyro;
    lmu_hw::ecg::Model ecg;
    gyro_out y[GYRO_N_OUT];
    ecg_out z[ECG_N_OUT];
    for (size_t t = 0; t < GYRO_VECTOR_STEPS; t++) {
        if (!gyro.step(gyro_vector_in[t], y) || !ecg.step(ecg_vector_in[t], z)
            || std::memcmp(y, gyro_vector_out[t], sizeof y) != 0
            || std::memcmp(z, ecg_vector_out[t], sizeof z) != 0) {
            return 1;
        }
    }
    return 0;
}
"""


def wide() -> Program:
    """Words of 24 bits, two channels, a state of 64-bit integers."""
    return quantize_memory(parse({"d": 3, "theta": 24, "bits": 24, "channels": 2})).program


PROGRAMS: dict[str, Callable[[], Program]] = {
    "cascade": programs.cascade_program,
    "wide": wide,
    "several words": network_programs.gates,
    "output at will": lambda: network_programs.lmu(0),
    "every third output": lambda: network_programs.lmu(3),
    "no output in so few steps": lambda: network_programs.lmu(200),
    "neurons": spiking_corners.read,
}


def gyro() -> KitDesign:
    return c_design(replace(network_programs.gates(), name="gyro"))


def ecg() -> KitDesign:
    return c_design(replace(programs.cascade_program(), name="ecg"))
