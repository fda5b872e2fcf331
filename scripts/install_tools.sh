#!/usr/bin/env bash
# Installs missing system packages: install_tools.sh [venv] [cc] [sim] [lint] [cross] [analog] [kits]
#                   [browser]
#
#   venv  python3 with the venv module            cc   a C and a C++ compiler
#   sim   Icarus Verilog, and the Python library that it loads to run the benches
#   lint  Verilator: lint, and a second simulator; clang, clang-tidy, cppcheck (with its MISRA
#         addon) and Doxygen for the C
#   cross compilers, C libraries and QEMU for Arm, RISC-V and AVR microcontrollers; llvm-mca, which
#         estimates cycles
#   analog ngspice
#   browser Chromium, which opens the HTML pages in tests
#   kits  build systems that kits are made for: CMake, Meson, Ninja, pkg-config; Arduino's builder and
#         AVR core, and simavr; Tcl for scripts of vendors' tools, and a Yosys that reads Tcl, which
#         the FuseSoC kit needs; Rust
#
# Installs with apt-get as root or through sudo without a password, and only what is missing.
# Otherwise it says what is missing and how to get it, and succeeds, unless
# LMU_HW_REQUIRE_TOOLS=1 is set. Without venv nothing can go on: that always fails.
set -euo pipefail

python=${PYTHON:-python3}
packages=()
fatal=${LMU_HW_REQUIRE_TOOLS:-0}

have() { command -v "$1" >/dev/null 2>&1; }

check_venv() {
    if ! have "$python"; then
        packages+=(python3 python3-venv)
        fatal=1
    elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "$python is $("$python" -V 2>&1); lmu-hw needs 3.10 or later: make PYTHON=python3.x" >&2
        exit 1
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian and Ubuntu split these off; the versioned name also fits a second Python.
        packages+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
        fatal=1
    fi
}

check_cc() {
    { have "${CC:-cc}" || have gcc || have clang; } &&
        { have "${CXX:-c++}" || have g++ || have clang++; } || packages+=(build-essential)
}

check_lint() {
    have verilator || packages+=(verilator)
    # its sanitizers are a package of their own
    clang -fsanitize=address -x c - -o /dev/null <<<'int main(void) { return 0; }' 2>/dev/null ||
        packages+=(clang libclang-rt-dev)
    have clang-tidy || packages+=(clang-tidy)
    have cppcheck || packages+=(cppcheck)
    have doxygen || packages+=(doxygen)
}

# finds COMPILER OPTIONS: whether a C library is there.
finds() { "$@" -x c -E -include string.h /dev/null >/dev/null 2>&1; }

check_cross() {
    have arm-none-eabi-gcc || packages+=(gcc-arm-none-eabi)
    finds arm-none-eabi-gcc --specs=nano.specs || packages+=(libnewlib-arm-none-eabi)
    have qemu-system-arm || packages+=(qemu-system-arm)
    have riscv64-unknown-elf-gcc || packages+=(gcc-riscv64-unknown-elf)
    finds riscv64-unknown-elf-gcc --specs=picolibc.specs || packages+=(picolibc-riscv64-unknown-elf)
    have avr-gcc || packages+=(gcc-avr)
    finds avr-gcc || packages+=(avr-libc)
    { have qemu-system-riscv32 && have qemu-system-avr; } || packages+=(qemu-system-misc)
    has_mca || packages+=(llvm-19)
}

# the same versions as in lmu_hw/measure/footprint/cycle_estimate.py
has_mca() {
    for version in {19..30}; do
        have "llvm-mca-$version" && return
    done
    return 1
}

check_analog() {
    have ngspice || packages+=(ngspice)
}

check_browser() {
    # the same names as in lmu_hw/cli/tool_checks.py
    have chromium || have chromium-browser || have google-chrome || packages+=(chromium)
}

check_kits() {
    have cmake || packages+=(cmake)
    have meson || packages+=(meson)
    have ninja || packages+=(ninja-build)
    have pkg-config || packages+=(pkg-config)
    { have arduino-builder && have arduino-ctags; } || packages+=(arduino-builder)
    # the builder has no core of its own
    [ -d /usr/share/arduino/hardware/arduino/avr ] || packages+=(arduino-core-avr)
    # the sketch runs there: QEMU's AVR does not execute every one
    [ -f /usr/include/simavr/sim_avr.h ] || packages+=(libsimavr-dev)
    have tclsh || packages+=(tcl)
    have cargo || packages+=(cargo)
    cargo clippy --version >/dev/null 2>&1 || packages+=(rust-clippy)
    have yosys || packages+=(yosys)
}

check_sim() {
    have iverilog || packages+=(iverilog)
    # A Debian python3 is linked statically; cocotb needs the shared library of the same version.
    "$python" - <<'END' || packages+=("$("$python" -c 'import sys; print("libpython%d.%d" % sys.version_info[:2])')")
import ctypes, os, sys, sysconfig

name = "libpython%d.%d.so.1.0" % sys.version_info[:2]
folder = sysconfig.get_config_var("LIBDIR") or ""
# Ask for the file where it was built to be, then wherever the loader looks.
if not os.path.exists(os.path.join(folder, name)):
    try:
        ctypes.CDLL(name)
    except OSError:
        sys.exit(1)
END
}

for group in "$@"; do
    case $group in
        venv | cc | sim | lint | cross | analog | kits | browser) "check_$group" ;;
        *) echo "install_tools.sh: unknown group '$group'" >&2; exit 2 ;;
    esac
done

[ ${#packages[@]} -eq 0 ] && exit 0

how="apt-get install --no-install-recommends ${packages[*]}"
root=()
if [ "$(id -u)" -ne 0 ]; then
    root=(sudo -n)
fi
if have apt-get && { [ ${#root[@]} -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }; then
    echo "installing ${packages[*]}"
    apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    if "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${packages[@]}"; then
        exit 0
    fi
    echo "apt-get failed; the packages are: ${packages[*]}" >&2
else
    echo "missing: ${packages[*]}; as root: $how" >&2
fi
if [ "$fatal" != 0 ]; then
    exit 1
fi
echo "going on without; what needs them is skipped" >&2
