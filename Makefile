# make demo    install into .venv, generate a memory, verify it, stream a real signal through it
# make test    install missing system tools, then lint, types and all tests
# make coverage  the default tests once more: which lines and branches do they reach?
# make soak    the long simulations; SOAK_SHARE=3/13 takes one share of thirteen, SEED=N other networks
# make formal  the proofs of the Verilog, and faults that must break them
# make mutation  breaks the emitted C and Verilog in hundreds of places: what do the benches find?
# make fuzz    damaged files and options for everything that reads any; FUZZ_INPUTS says how many
# make kits    every kit in its real tool, as far as one runs here
# make nengo   memories on spiking neurons in nengo, which is installed for this alone
# make browser  the HTML pages in Chromium: errors, keyboard, accessibility, screenshots
# make bench   the benchmarks, which write docs/results/
# make docs    the documentation, in docs/_build/html; warnings are errors
# make nightly all of these but coverage, one after the other; `make -k nightly` does not stop at a failure
#
# PYTHON=python3.x chooses the interpreter of .venv; PYTEST_ARGS="-k name" narrows `make test`.

PYTHON ?= python3
PYTEST_ARGS ?=
FUZZ_INPUTS ?= 100000
SOAK_SHARE ?=
# Of the first random network whose C is run under sanitizers: every commit tries others.
SEED ?= $(shell git rev-list --count HEAD 2>/dev/null || echo 1)000
# What takes long joins this line.
NIGHTLY := test docs browser formal soak fuzz mutation kits nengo bench

export PYTHON
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.PHONY: help demo test coverage soak formal mutation fuzz kits browser nengo bench docs nightly clean
.NOTPARALLEL:

help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile

demo: .venv/demo.stamp
	$(BIN)/lmu-hw generate --d 64 --bits 16 -o build/demo --force
	$(BIN)/lmu-hw verify build/demo
	$(BIN)/python examples/demo.py

test: .venv/dev.stamp
	scripts/install_tools.sh cc sim lint cross analog
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers auto
	@# hundreds of processes that tests start would each do it
	$(BIN)/python -m compileall -q -j 0 lmu_hw
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

coverage: .venv/dev.stamp
	scripts/install_tools.sh cc sim lint cross analog
	rm -rf build/coverage
	mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -n auto --dist worksteal $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o build/coverage/report.json
	$(BIN)/python -m tests.project.covered build/coverage/report.json

soak: .venv/dev.stamp
	scripts/install_tools.sh cc sim lint cross analog
	LMU_HW_SEED=$(SEED) $(BIN)/python -m pytest -n auto --dist worksteal -m soak $(if $(SOAK_SHARE),--soak-share $(SOAK_SHARE)) $(PYTEST_ARGS)

formal: .venv/dev.stamp
	$(BIN)/python -m pytest -n auto -m formal tests/formal $(PYTEST_ARGS)

mutation: .venv/dev.stamp
	scripts/install_tools.sh cc sim
	$(BIN)/python -m tests.mutation

fuzz: .venv/dev.stamp
	$(BIN)/python -m tests.fuzz --inputs $(FUZZ_INPUTS)

bench: .venv/dev.stamp
	@set -e; for file in benchmarks/*.py; do echo "$$file"; PYTHONPATH=. $(BIN)/python "$$file"; done

# PlatformIO stays out of .venv: one of its packages brings a plugin for pytest.
# Installed again at every call: the extra is not part of `dev`, whose stamp says nothing of it.
kits: .venv/dev.stamp
	scripts/install_tools.sh cc sim lint cross kits
	$(PIP) install --quiet --editable '.[kits]'
	$(PIP) install --quiet --upgrade --target build/platformio platformio==6.2.0 scons==4.11.1
	$(BIN)/python -m pytest -n auto -m kits tests/kits $(PYTEST_ARGS)

# Installed again at every call, like the kits.
browser: .venv/dev.stamp
	scripts/install_tools.sh cc sim cross analog browser
	$(PIP) install --quiet --editable '.[browser]'
	$(BIN)/python -m pytest -n auto --dist loadscope -m browser tests/browser $(PYTEST_ARGS)

# nengo stays out of .venv: its pytest plugin fails, and cocotb loads all plugins.
nengo: .venv/dev.stamp
	$(PIP) install --quiet --upgrade --target build/nengo nengo==4.1.0
	PYTHONPATH=build/nengo $(BIN)/python -m pytest -n 0 tests/interchange
	PYTHONPATH=.:build/nengo $(BIN)/python benchmarks/spiking_nengo.py

docs: .venv/dev.stamp
	$(BIN)/python -m sphinx -E -W --keep-going -n -q -b html docs docs/_build/html

nightly: FUZZ_INPUTS = 20000
nightly: SOAK_SHARE =
nightly: $(NIGHTLY)

clean:
	rm -rf build dist docs/_build docs/gallery .mypy_cache .pytest_cache .ruff_cache

# Installed again only when pyproject.toml has changed.
.venv/demo.stamp: pyproject.toml | venv
	$(PIP) install --quiet --editable '.[plots]'
	@touch $@

.venv/dev.stamp: pyproject.toml | venv
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

# A .venv that is broken or was interrupted is made again.
.PHONY: venv
venv:
	@$(PIP) --version >/dev/null 2>&1 || { scripts/install_tools.sh venv && \
		echo "making .venv" && rm -rf .venv && $(PYTHON) -m venv .venv; }
