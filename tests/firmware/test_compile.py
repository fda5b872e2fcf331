"""The generated C under strict compilers, sanitizers and static analysis."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.program.fixedpoint import Rounding, round_sum
from tests.factories import corners
from tests.factories.builds import write_c, write_c_build
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS
from tests.firmware.compilers import C99, COMPILERS, CPP17
from tests.tools import require, run, succeed

# The programs on the brink of 32 bits differ in nothing else: half of them do.
CORNERS = {n: p for n, p in corners.CORNERS.items() if n[-2:] not in ("22", "24", "30", "32")}
ALL = PROGRAMS | CORNERS | NETWORKS
SOME = ["mixed", "wide", "dense_channels", "network", "functions", "lmu_every_3", "gates"]
RUN = [*SOME, *CORNERS, *NETWORKS, "odd_widths", "channels"]
SHORT = list(dict.fromkeys([*SOME, *list(ALL)[::8]]))
"""Programs of every kind that are compiled every time; soaks compile the others."""
SOAK = pytest.mark.soak

pytestmark = pytest.mark.cc


@pytest.fixture(scope="module", autouse=True)
def compiler() -> str:
    require("gcc|clang")
    return COMPILERS[0]


class CDirectories(dict[str, Path]):
    """The ``c`` directory of every program, written when it is first asked for."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def __missing__(self, name: str) -> Path:
        self[name] = write_c_build(ALL[name], self._top / name, 160)
        return self[name]


@pytest.fixture(scope="module")
def c_dirs(tmp_path_factory: pytest.TempPathFactory) -> CDirectories:
    return CDirectories(tmp_path_factory.mktemp("builds"))


@pytest.mark.parametrize(
    ("cc", "names"),
    [
        pytest.param("gcc", SHORT, id="gcc"),
        pytest.param("gcc", [n for n in ALL if n not in SHORT], marks=SOAK, id="gcc-others"),
        pytest.param("clang", list(ALL), marks=SOAK, id="clang"),
    ],
)
def test_no_warnings(cc: str, names: list[str], c_dirs: dict[str, Path], tmp_path: Path) -> None:
    if cc not in COMPILERS:
        pytest.skip(f"{cc} not found; the other compiler is tried")
    for name in names:
        c_dir = c_dirs[name]
        succeed(cc, *C99, "-O2", "-c", c_dir / "lmu.c", "-o", tmp_path / "lmu.o")
        succeed(cc, *C99, "-fsyntax-only", c_dir / "test_lmu.c")
        if name in SOME:
            succeed(cc, *CPP17, "-O1", "-c", c_dir / "lmu.c", "-o", tmp_path / "lmu.o")


@pytest.mark.soak
def test_run_under_sanitizers(compiler: str, c_dirs: dict[str, Path], tmp_path: Path) -> None:
    checks = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-O1"]
    for c_dir in (c_dirs[name] for name in dict.fromkeys(RUN)):
        sources = [c_dir / "lmu.c", c_dir / "test_lmu.c"]
        succeed(compiler, "-std=c99", *checks, *sources, "-o", tmp_path / "test")
        assert re.fullmatch(r"PASS \d+ words\n", succeed(tmp_path / "test", c_dir / "../vectors"))


def test_used_from_cpp(compiler: str, c_dirs: dict[str, Path], tmp_path: Path) -> None:
    """The header's names link from C++ to an object that a C compiler made."""
    main = tmp_path / "main.cpp"
    main.write_text(
        '#include "lmu.h"\n#include <cassert>\n'
        "int main() { lmu_state s; lmu_in u[LMU_N_IN] = {}; lmu_out y[LMU_N_OUT];\n"
        "lmu_init(&s); assert(lmu_step(&s, u, y) == LMU_OUTPUT);\n"
        "s.z_outer[0] = LMU_Z_OUTER_MIN; uint8_t saved[LMU_SAVED_BYTES];\n"
        "assert(lmu_save(&s, saved, sizeof saved) == LMU_OK); lmu_reset(&s);\n"
        "saved[20] ^= 1; assert(lmu_load(&s, saved, sizeof saved) == LMU_ERROR_CRC);\n"
        "saved[20] ^= 1; assert(lmu_load(&s, saved, sizeof saved) == LMU_OK);\n"
        "assert(s.z_outer[0] == LMU_Z_OUTER_MIN); }\n"
    )
    c_dir, lmu, program = c_dirs["mixed"], tmp_path / "lmu.o", tmp_path / "main"
    succeed(compiler, *C99, "-c", c_dir / "lmu.c", "-o", lmu)
    succeed(compiler, *CPP17, f"-I{c_dir}", "-c", main, "-o", tmp_path / "main.o")
    succeed(compiler, tmp_path / "main.o", lmu, "-o", program)
    succeed(program)


def test_object_needs_memory_functions_only(
    compiler: str, c_dirs: dict[str, Path], tmp_path: Path
) -> None:
    require("nm")
    for c_dir in (c_dirs[name] for name in SOME):
        for level in ("-O2", "-Os"):
            succeed(compiler, *C99, level, "-c", c_dir / "lmu.c", "-o", tmp_path / "lmu.o")
            symbols = [line.split()[-2:] for line in succeed("nm", tmp_path / "lmu.o").splitlines()]
            undefined = {name for kind, name in symbols if kind == "U"}
            public = {name for kind, name in symbols if kind == "T"}
            assert undefined <= {"memcpy", "memmove", "memset"}
            functions = ("init", "reset", "ready", "step", "run", "save", "load")
            assert public == {f"lmu_{f}" for f in functions}
            assert not {name for kind, name in symbols if kind in "BDC"}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SHORT, id="some"),
        pytest.param([n for n in ALL if n not in SHORT], marks=SOAK, id="others"),
    ],
)
def test_state_has_the_size_that_the_header_says(
    names: list[str], compiler: str, c_dirs: dict[str, Path], tmp_path: Path
) -> None:
    for c_dir in (c_dirs[name] for name in names):
        (size,) = re.findall(r"(\d+) bytes in lmu_state", (c_dir / "lmu.h").read_text())
        probe = tmp_path / "size.c"
        probe.write_text(f'#include "lmu.h"\nchar ok[sizeof(lmu_state) == {size} ? 1 : -1];\n')
        succeed(compiler, *C99, f"-I{c_dir}", "-fsyntax-only", probe)


def test_scratch_has_the_size_that_the_header_says(
    compiler: str, c_dirs: dict[str, Path], tmp_path: Path
) -> None:
    """The structure of a step and the arrays of the operation that has most."""
    for name in ("gates", "lmu", "order"):
        header = (c_dirs[name] / "lmu.h").read_text()
        (size,) = map(int, re.findall(r"arrays on the stack: (\d+) bytes", header))
        probe = tmp_path / "size.c"
        text = (c_dirs[name] / "lmu.c").read_text()
        arrays = max(
            sum(
                int(bits) // 8 * int(n)
                for bits, n in re.findall(r"\n    int(\d+)_t \w+\[(\d+)\];", f)
            )
            for f in re.findall(r"\nstatic void .*?\n}\n", text, re.DOTALL)
        )
        assert arrays > 0
        code = f"char ok[sizeof(lmu_work) == {size - arrays} ? 1 : -1];\n"
        probe.write_text(f'#include "lmu.c"\n{code}')
        succeed(compiler, "-std=c99", f"-I{c_dirs[name]}", "-fsyntax-only", probe)
    assert "arrays on the stack: 16 bytes" in (c_dirs["dense"] / "lmu.h").read_text()
    assert "arrays on the stack" not in (c_dirs["mixed"] / "lmu.h").read_text()


@pytest.mark.soak
def test_cppcheck(c_dirs: dict[str, Path]) -> None:
    if not shutil.which("cppcheck"):
        pytest.skip("cppcheck not found")
    flags = ["--quiet", "--enable=warning,portability", "--error-exitcode=1", "--std=c99"]
    # lmu_kernels.h has a configuration for each kind of processor: all of them once
    first, *others = SOME
    succeed("cppcheck", *flags, "--max-configs=48", c_dirs[first])
    succeed("cppcheck", *flags, "-D__GNUC__=12", *(c_dirs[name] for name in others))


@pytest.mark.parametrize(("name", "bits"), [("mixed", 32), ("wide", 64)])
def test_rounding_exhaustively(name: str, bits: int, compiler: str, tmp_path: Path) -> None:
    """Every sum of 6 bits, shift and drop of 3, against the one definition of rounding."""
    write_c(PROGRAMS[name], tmp_path)
    (tmp_path / "all.c").write_text(
        '#include "lmu.c"\n#include <stdio.h>\n'
        "int main(void) {\n"
        "for (int silent = 0; silent < 2; silent++)\n"
        "for (unsigned shift = 0; shift < 4; shift++)\n"
        "for (unsigned drop = 0; drop < 4; drop++)\n"
        "for (int base = -32; base < 32; base++)\n"
        "for (int t = -64; t < 64; t++)\n"
        f'printf("%d\\n", (int)lmu_round{bits}(base, t, shift, drop, silent));\n'
        "return 0; }\n"
    )
    succeed(compiler, "-std=c99", "-O1", tmp_path / "all.c", "-o", tmp_path / "all")
    got = np.array(succeed(tmp_path / "all").split(), dtype=np.int64)
    base, t = np.meshgrid(np.arange(-32, 32), np.arange(-64, 64), indexing="ij")
    expected = [
        round_sum(base >> drop, ((base & ((1 << drop) - 1)) << shift) + t, shift + drop, mode)
        for mode in (Rounding.RND, Rounding.TRN_ZERO)
        for shift in range(4)
        for drop in range(4)
    ]
    np.testing.assert_array_equal(got, np.concatenate([e.ravel() for e in expected]))


PRODUCTS = """
#include "lmu_kernels.h"
int main(void)
{
    static const int32_t ends[] = {INT32_MIN, INT32_MIN + 1, -65537, -65536, -65535, -32769, -32768,
        -1, 0, 1, 2, 32767, 32768, 65535, 65536, 65537, INT32_MAX - 1, INT32_MAX};
    uint32_t x = 1;

    for (size_t n = 0; n < 400000; n++) {
        const int32_t a = n < 324 ? ends[n / 18] : (int32_t)(x = x * 1664525u + 1013904223u);
        const int32_t b = n < 324 ? ends[n % 18] : (int32_t)(x = x * 1664525u + 1013904223u);
        const int64_t product = (int64_t)a * b;
        const unsigned shift = (unsigned)(n % 40);

        if (lmu_product64(a, b) != product
            || lmu_toward_zero64(product, shift) != product / ((int64_t)1 << shift)) {
            return 1;
        }
    }
    return 0;
}
"""


@pytest.mark.parametrize("core", ["", "-D__ARM_ARCH_6M__"])
def test_products_and_truncation(core: str, compiler: str, tmp_path: Path) -> None:
    """Also as a Cortex-M0 multiplies, which has no product of 64 bits."""
    write_c(PROGRAMS["wide"], tmp_path)
    (tmp_path / "products.c").write_text(PRODUCTS)
    checks = ["-fsanitize=undefined", "-fno-sanitize-recover=undefined"]
    flags = ["-std=c99", "-O1", *checks, *([core] if core else [])]
    succeed(compiler, *flags, tmp_path / "products.c", "-o", tmp_path / "products")
    assert run(tmp_path / "products").returncode == 0


def test_helpers_clip_at_both_ends(compiler: str, tmp_path: Path) -> None:
    write_c(PROGRAMS["mixed"], tmp_path)
    (tmp_path / "clip.c").write_text(
        '#include "lmu.c"\nint main(void) { return lmu_clip32(9, -8, 7) == 7\n'
        "&& lmu_clip32(-9, -8, 7) == -8 && lmu_clip32(3, -8, 7) == 3 ? 0 : 1; }\n"
    )
    succeed(compiler, "-std=c99", tmp_path / "clip.c", "-o", tmp_path / "clip")
    assert run(tmp_path / "clip").returncode == 0
