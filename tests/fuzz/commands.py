"""Damaged command lines: every option of every command with unexpected values."""

from __future__ import annotations

from functools import cache
from random import Random

from lmu_hw.cli.command_line import parser
from tests.fuzz.mutate import FLOATS, INTS, TEXTS

GOOD = (
    "6",
    "16",
    "40.5",
    "zoh",
    "dense",
    "state",
    "taps=0,1",
    "lmu",
    "auto",
    "last",
    "1%",
    "4,6,8",
)
GOOD += ("axi", "c", "icarus,c", "interpreter", "ice40-up5k", "c-m4", "nothing.npz", "nothing.wav")
NAMES = ("nothing", "nothing.npz", "nothing.keras", "spec.toml", "", ".", "/dev/null", "argv.json")
HERE = "@"
"""Placeholder for the input directory, which holds a model, data and a build directory."""
FOUND = (HERE, "@/model.npz", "@/data.npz", "@/spec.json")
NUMBERS = (*map(str, INTS), *map(str, FLOATS))


@cache
def _commands() -> dict[str, list[str]]:
    commands = parser("0")[1]
    # commands may write to this directory only
    left_out = ("-h", "--help", "-o", "--out", "--output", "--keep")
    return {
        name: [option for option in sub.options() if option not in left_out]
        for name, sub in commands.items()
    }


def damaged_line(rng: Random) -> list[str]:
    """Return the words of a command line."""
    command = rng.choice([*_commands(), "generate", "generate"])
    words = [command]
    if command == "generate" and rng.random() < 0.8:
        words += ["--d", rng.choice(("6", "1", "64", *map(str, INTS)))]
    for _ in range(rng.randrange(5)):
        option = rng.choice(_commands()[command])
        values = rng.choice(
            (GOOD, GOOD, FOUND, TEXTS, tuple(map(str, INTS)), tuple(map(str, FLOATS)))
        )
        # no word of a command line holds a zero
        value = rng.choice(values).replace("\0", "")
        words += rng.choice(([option, value], [f"{option}={value}"], [option], [value]))
    if rng.random() < 0.8:
        names = NAMES if rng.random() < 0.3 else FOUND
        words.insert(rng.randrange(1, len(words) + 1), rng.choice(names))
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words)), rng.choice(TEXTS).replace("\0", ""))
    return words
