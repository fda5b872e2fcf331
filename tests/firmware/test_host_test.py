"""`make` in a generated ``c`` directory: passes as generated, fails on every fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmu_hw.firmware import source_files
from lmu_hw.program import saved_state
from lmu_hw.program.integer_program import Program, Role
from tests.factories.builds import write_c_build
from tests.factories.corners import CORNERS
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.tools import needs, run, succeed

pytestmark = pytest.mark.cc


tools = needs("make", "cc|gcc|clang")


MADE = ["mixed", "dense_readout", "network", "lmu_every_3", "stack_on_demand", "feedback_3"]


@pytest.mark.parametrize("name", MADE)
def test_make_builds_and_passes(name: str, tmp_path: Path) -> None:
    program = (PROGRAMS | CORNERS | NETWORKS)[name]
    c_dir = write_c_build(program, tmp_path, n_steps=90)
    said = succeed("make", "-s", "-C", c_dir, "--no-print-directory")
    n_out, n_state = program.n_words(Role.OUTPUT), program.n_words(Role.STATE)
    n_due = 90 // program.output_every if program.output_every else 1
    # check_step compares outputs before the refusals, too: those of the first half
    half = 45 // program.output_every if program.output_every else 0
    words = (6 * n_due + half) * n_out + 8 * n_state
    places = 2 * n_state * n_state
    saved = saved_state.n_bytes(program)
    ragged = sum(v.fmt.width % 8 > 0 for v in program.with_role(Role.STATE))
    refusals = 8 * saved + saved + 3 + ragged  # bits, lengths, header, ranges
    assert said == f"PASS {words + places + refusals} words\n"
    assert (c_dir / "build").is_dir()
    succeed("make", "-s", "-C", c_dir, "clean", "--no-print-directory")
    files = {"Makefile", "lmu.hpp", "test_lmu.c", *source_files("lmu")}
    assert {p.name for p in c_dir.iterdir()} == files


def test_corrupted_vectors(tmp_path: Path) -> None:
    c_dir = write_c_build(PROGRAMS["mixed"], tmp_path, n_steps=60)
    vectors = tmp_path / "vectors"
    for file, line, text, said in (
        ("output.hex", 8 * 17 + 4, "7b", r"FAIL run: step 17, y_z_inner\[1\]: expected 123, got "),
        ("state.hex", 3, "1234", r"FAIL run: step 60, z_inner\[0\]: expected 4660, got "),
        ("output.hex", 5, "100", r"FAIL .*output.hex, line 6: no word of 8 bits"),
        ("input.hex", 2, "zz", r"FAIL .*input.hex, line 3: no word of 8 bits"),
        ("input.hex", 2, None, r"FAIL ../vectors: 59 steps of input, 60 of output"),
        ("input.hex", slice(0, 60), None, r"FAIL ../vectors: 0 steps of input, 60 of output"),
        ("output.hex", 2, None, r"FAIL .*output.hex holds 479 words, not a multiple of 8"),
    ):
        good = (vectors / file).read_text()
        lines = good.splitlines()
        at = line if isinstance(line, slice) else slice(line, line + 1)
        lines[at] = [] if text is None else [text]
        (vectors / file).write_text("".join(f"{line}\n" for line in lines))
        result = run("make", "-s", "-C", c_dir, "--no-print-directory")
        assert result.returncode != 0
        assert re.match(said, result.stdout), result.stdout
        (vectors / file).write_text(good)


def test_no_output_was_due(tmp_path: Path) -> None:
    program = NETWORKS["lmu_every_3"]
    c_dir = write_c_build(program, tmp_path, n_steps=2)
    assert (tmp_path / "vectors" / "output.hex").read_text() == "\n"
    said = succeed("make", "-s", "-C", c_dir, "--no-print-directory")
    n_state, saved = program.n_words(Role.STATE), saved_state.n_bytes(program)
    ragged = sum(v.fmt.width % 8 > 0 for v in program.with_role(Role.STATE))
    refused = 9 * saved + 3 + ragged
    assert said == f"PASS {8 * n_state + 2 * n_state * n_state + refused} words\n"


def test_missing_vectors(tmp_path: Path) -> None:
    c_dir = write_c_build(PROGRAMS["one_real"], tmp_path, n_steps=8)
    (tmp_path / "vectors" / "state.hex").unlink()
    result = run("make", "-s", "-C", c_dir, "--no-print-directory")
    assert result.returncode != 0
    assert result.stdout == (
        "FAIL cannot read ../vectors/state.hex: generate the vectors, or name their directory\n"
    )


BROKEN = {
    "half": ("<< n) >> 1), n)", "<< n) >> 2), n)"),
    "never silent": ("return *count == window;", "return 0;"),
    "silent one step late": ("return *count == window;", "return *count == window + 0 * zero - 1;"),
    "silent is floor": ("all + (lmu_sign32(all) & up)", "all"),
    "silent forgets base": ("(((int32_t)1 << drop) - 1) + ((t", "((t"),
    "no saturation": (
        "? lmu_clip32(x, low, high) : x < low ? low : x > high ? high : x;",
        "? low : high > low ? x : high;",
    ),
    "outputs not saturated": ("(size + (room & lmu_sign32(room))) ^ sign", "x + 0 * room"),
    "upper end only": ("x < low ? low : x", "(void)low, x"),
    "coefficient": ("_coef[8] = {\n    17", "_coef[8] = {\n    16"),
    "coefficient shift": ("x - y, t, 32", "x - y, t, 31"),
    "port": ("2 * x - y", "x + x + y"),
    "reset": ("s->z_inner[i] = 0;", "s->silence[0] = 0;"),
    "save": (
        "lmu_put32(to, (uint32_t)s->z_inner[i]",
        "lmu_put32(to, (uint32_t)s->z_inner[0]",
    ),
    "run": ("lmu_step(s, u + t * LMU_N_IN,", "lmu_step(s, u + (t & 7) * LMU_N_IN,"),
    "run counts": ("            n_outputs++;", "            n_outputs += 2;"),
    "run forgets a step": (
        "for (size_t t = 0; t < n_steps; t++) {",
        "for (size_t t = 1; t < n_steps; t++) {",
    ),
    "length": ("!lmu_header_is(saved, 0, 4)", "!lmu_header_is(saved, 1, 4)"),
    "room of load": ("n_bytes < LMU_SAVED_BYTES || !lmu_header", "!lmu_header"),
    "room of save": ("    if (n_bytes < LMU_SAVED_BYTES) {", "    if (n_bytes == 0) {"),
    "version": ("!lmu_header_is(saved, 4, 8)", "!lmu_header_is(saved, 5, 8)"),
    "digest": (
        "!lmu_header_is(saved, 8, sizeof lmu_saved_header)",
        "!lmu_header_is(saved, 8, 15)",
    ),
    "crc": ("0xEDB88320u", "0xEDB88321u"),
    "crc is not compared": ("!= lmu_crc32(saved", "== 7 + lmu_crc32(saved"),
    "crc of the words alone": ("lmu_crc32(saved, LMU_SAVED_BYTES - 4)", "lmu_crc32(saved + 4, 7)"),
    "byte order": ("*to++ = (uint8_t)(x & 0xFFu);", "to[n_bytes - 1 - i] = (uint8_t)(x & 0xFFu);"),
    "range": ("word < low || word > high", "word < low"),
    "range is looked at late": (
        "    /* Check every word before storing the first one. */\n",
        "    s->z_outer[0] = (int16_t)(saved[16] + 1);\n",
    ),
    "load": ("s->silence[i] = (int16_t)", "s->silence[i] = 0 * (int16_t)"),
    "load refuses": ("    return LMU_OK;\n}\n", "    return LMU_ERROR_CRC;\n}\n"),
    "null": ("return LMU_ERROR_NULL;", "return LMU_OK;"),
    "ready": ("return s != NULL", "return s == NULL"),
    "global state": (
        "    lmu_cascade(s, u);",
        "    static lmu_state g; (void)s;\n    lmu_cascade(&g, u);",
    ),
}


@pytest.mark.some(16)
@pytest.mark.parametrize("case", BROKEN)
def test_broken_code(case: str, tmp_path: Path) -> None:
    """A bench is worth something only if a broken design fails it."""
    _fails(CORNERS["saturating"], *BROKEN[case], tmp_path)


BROKEN_NETWORKS = {
    "align": ("lmu", "dots[r] * 4;", "dots[r] * 2;"),
    "bias": ("lmu", "lmu_linear_2_bias[r] + ", ""),
    "columns": ("lmu", "_2_rows + 14, 20, s->h", "_2_rows + 13, 20, s->h"),
    "one word less": ("lmu", "20, s->h, 5);", "20, s->h, 4);"),
    "scale": ("lmu", "lmu_linear_1_scale[r]", "lmu_linear_1_scale[0]"),
    "in place": ("lmu", "dots[r] * 8;", "dots[r] * 8; s->h[r] = (int16_t)dots[r];"),
    "channel": ("stack", "s->m + c * 4", "s->m"),
    "argmax, last of equals": ("labels", " > work->coarse[best]", " >= work->coarse[best]"),
    "argmax, smallest": ("labels", " > work->coarse[best]", " < work->coarse[best]"),
    "product": ("gates", "work->f[i] * s->c[i]", "work->f[i]"),
    "sign of a term": ("gates", "sum -= (int32_t)s->c[i]", "sum += (int32_t)s->c[i]"),
    "function not limited": ("functions", "word = lmu_clip64(x, -32, 31)", "word = x & 63"),
    "piece": ("gates", "_values[at >> 9]", "_values[at >> 10]"),
    "rest": ("lmu", "rest = at & 127", "rest = at & 63"),
    "stage": ("lmu", "y = c[0] +", "y = c[1] +"),
    "guard": ("lmu", "return lmu_half_up32(y, 3)", "return lmu_asr32(y, 3)"),
    "due late": ("lmu_every_3", "LMU_OUTPUT_EVERY - 1;", "LMU_OUTPUT_EVERY - 0;"),
    "due in every step": ("lmu_every_3", "const int due = ", "const int due = 1 || "),
    "never due": ("lmu_every_3", "return due ? LMU_OUTPUT : LMU_OK;", "return LMU_OK;"),
    "clock": ("gates_every_2", "(lmu_ready(s) ? 0 : s->clock[0] + 1)", "(s->clock[0] + 1)"),
    "the clock waits for y": ("lmu_every_3", "lmu_ready(s) ? 0", "due ? 0"),
    "run counts": ("lmu_every_3", "n_outputs++;", "n_outputs += t != 1;"),
    "run writes ahead": ("lmu_every_3", "y + n_outputs * LMU_N_OUT", "y + t * LMU_N_OUT"),
    "run asks early": ("stack_on_demand", "t + 1 == n_steps ? y : NULL", "t == 0 ? y : NULL"),
    "y without an output": ("lmu_every_3", "    return due ?", "    y[0] = 1;\n    return due ?"),
    "always lazy": ("stack_on_demand", "const int due = y != NULL;", "const int due = 0; (void)y;"),
    "a state is lazy": (
        "feedback_0",
        "    lmu_linear(s, u, &work);\n",
        "    if (due) {\n        lmu_linear(s, u, &work);\n    }\n",
    ),
    "kept output": ("feedback_3", "y[LMU_FED_AT + i] = work.fed[i]", "y[LMU_FED_AT + i] = 0"),
}


@pytest.mark.some(6)
@pytest.mark.parametrize("case", BROKEN_NETWORKS)
def test_broken_network(case: str, tmp_path: Path) -> None:
    name, good, bad = BROKEN_NETWORKS[case]
    _fails((NETWORKS | CORNERS)[name], good, bad, tmp_path)


def _fails(program: Program, good: str, bad: str, build_dir: Path) -> None:
    c_dir = write_c_build(program, build_dir, n_steps=240)
    code = {file: (c_dir / file).read_text() for file in source_files("lmu")}
    assert any(good in text for text in code.values())
    for file, text in code.items():
        (c_dir / file).write_text(text.replace(good, bad))
    result = run("make", "-s", "-C", c_dir, "--no-print-directory", "CFLAGS=-O1 -w")
    assert result.returncode != 0
    assert result.stdout.startswith("FAIL "), result.stdout + result.stderr
