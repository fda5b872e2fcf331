"""Memories on neurons as NIR graphs: the same arrays, the same memory in another simulator."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import EmitError, SpecError, ToolError
from lmu_hw.interchange.nir_graph import (
    NOT_CARRIED,
    make_graph,
    neural_network,
    nir_graph,
    write_nir,
)
from lmu_hw.program.fixedpoint import Rounding
from lmu_hw.program.integer_program import Program, Role, Spiking
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.spiking_step import spikes
from tests.cli.command import call, refused
from tests.factories.programs import cascade_program, random_state
from tests.factories.spiking_programs import SPIKING
from tests.measure.test_spike_events import build

nir = pytest.importorskip("nir")

THETA = 64


def compiled(order: int = 6, neurons: int = 384, **options: object) -> Program:
    memory = lh.Memory(order, theta=THETA, channels=options.pop("channels", 1))
    settings = {"neurons": neurons, "neuron_model": "integrate-fire"}
    return lh.compile(memory, bits=20, realization="spiking", neurons=settings, **options).program


def real_states(program: Program, words: dict[str, np.ndarray]) -> np.ndarray:
    """Return real states in the order of the sections, channel after channel."""
    op = program.ops[0]
    assert isinstance(op, Spiking)
    n = program.channels(op)
    parts = [
        np.ldexp(words[name].reshape(n, -1)[:, k] * 1.0, -program.vector(name).fmt.frac_bits)
        for name, k in op.places
    ]
    return np.stack(parts, axis=1).ravel()


@pytest.mark.parametrize("order", [1, 2, 5, 6])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_step_of_the_network_is_that_of_the_program(order: int, channels: int) -> None:
    program = compiled(order, channels=channels)
    op = program.ops[0]
    assert isinstance(op, Spiking)
    network = neural_network(program)
    H = 1 << op.population
    rng = np.random.default_rng(order)
    machine = Interpreter(program)
    words: dict[str, np.ndarray] = {}
    fmt = program.vector("u").fmt
    lsb = max(2.0 ** -program.vector(name).fmt.frac_bits for name in op.cascade.states)
    for _ in range(20):
        machine.load(random_state(program, rng, 1) // 32)
        before = dict(zip(*_state_words(program, machine.save()), strict=True))
        u = rng.integers(fmt.min // 2, fmt.max // 2, (1, 1, channels)) | 1
        machine.run(u, watch=words.update)
        counts = spikes(program, op, before, Rounding.RND).counts.ravel()
        fired = np.zeros((len(counts), 2, H))
        for k, n in enumerate(counts):
            fired[k, int(n < 0), : abs(n)] = 1.0
        change = network.decoders @ fired.ravel() + network.input_gains @ (u.ravel() * fmt.lsb)
        found = real_states(program, words) - real_states(program, before)
        # roundings of a step, some for each section
        assert found == pytest.approx(change, abs=4 * order * lsb)
        z = real_states(program, words)
        outputs = np.ldexp(words["y"].ravel() * 1.0, -program.vector("y").fmt.frac_bits)
        assert network.readout is not None
        assert outputs == pytest.approx(network.readout @ z, abs=program.vector("y").fmt.lsb)


def _state_words(program: Program, state: np.ndarray) -> tuple[list[str], list[np.ndarray]]:
    vectors = program.with_role(Role.STATE)
    ends = np.cumsum([v.length for v in vectors])[:-1]
    return [v.name for v in vectors], np.split(state, ends, axis=1)


def test_a_readout_with_shifted_sources() -> None:
    program = SPIKING["integrate_readout"]
    op, linear = program.ops
    assert isinstance(op, Spiking)
    shifted = replace(program, ops=(op, replace(linear, aligns=(2, 1))))
    before, after = neural_network(program).readout, neural_network(shifted).readout
    factors = [4 if name == op.cascade.z_outer else 2 for name, _ in op.places]
    np.testing.assert_array_equal(after, before * factors)


@pytest.mark.parametrize("output", ["memory", "state"])
def test_round_trip(output: str, tmp_path: Path) -> None:
    program = compiled(output=output, channels=2)
    write_nir(program, tmp_path / "a.nir")
    write_nir(program, tmp_path / "b.nir")
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()
    written, found = nir_graph(program), nir.read(tmp_path / "a.nir")
    assert sorted(found.edges) == sorted(written.edges)
    assert sorted(found.nodes) == sorted(written.nodes)
    assert ("readout" in found.nodes) == (output == "memory")
    for name, node in written.nodes.items():
        assert type(found.nodes[name]) is type(node)
        for key in ("weight", "r", "v_threshold", "v_reset"):
            if hasattr(node, key):
                np.testing.assert_array_equal(
                    getattr(found.nodes[name], key), getattr(node, key), strict=True
                )
    network = neural_network(program)
    neurons = found.nodes["neurons"]
    np.testing.assert_array_equal(neurons.metadata["initial_voltage"], network.voltage)
    assert neurons.metadata["reset"] == "subtract"
    assert found.nodes["encoders"].weight.shape == (2 * 384, 12)


def test_a_run_in_nengo_is_the_same_memory(tmp_path: Path) -> None:
    pytest.importorskip("nengo")
    from benchmarks.nengo_graph import run_graph

    program = compiled()
    write_nir(program, tmp_path / "memory.nir")
    graph = nir.read(tmp_path / "memory.nir")
    u = 0.5 * np.sin(2 * np.pi * np.arange(8 * THETA) / (1.3 * THETA))
    words = np.rint(u / program.vector("u").fmt.lsb).astype(np.int64)
    states: list[np.ndarray] = []
    Interpreter(program).run(
        words[:, None, None], watch=lambda w: states.append(real_states(program, dict(w)))
    )
    exact = lh.Memory(6, theta=THETA).simulate(u)

    def error(z: np.ndarray) -> float:
        wrong = (z @ graph.nodes["readout"].weight.T - exact)[2 * THETA :]
        return float(np.sqrt(np.mean(wrong**2)))

    ours = error(np.array(states))
    # nengo's float accumulators of both signs in one membrane are those of the program
    assert error(run_graph(graph, u[:, None], "shared")) == pytest.approx(ours, rel=0.05)
    # a membrane for each sign, as NIR has it
    assert error(run_graph(graph, u[:, None])) == pytest.approx(ours, rel=0.5)
    # all phases equal: NIR without the metadata
    graph.nodes["neurons"].metadata["initial_voltage"][:] = 0.0
    assert error(run_graph(graph, u[:, None])) > 10 * ours


def test_what_does_not_go_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecError, match="NIR is for a design with one memory on neurons, not 0"):
        nir_graph(cascade_program(sections="p"))
    with pytest.raises(SpecError, match="no neurons that fire at random: generate with"):
        nir_graph(SPIKING["poisson_pair"])
    program = SPIKING["integrate_pair"]
    path = tmp_path / "a.nir"
    write_nir(program, path)
    with pytest.raises(EmitError, match="exists"):
        write_nir(program, path)
    write_nir(program, path, force=True)
    monkeypatch.setattr("lmu_hw.interchange.nir_graph.MAX_WEIGHTS", 7)
    with pytest.raises(SpecError, match="NIR has dense matrices only, of 32 weights here"):
        nir_graph(program)
    monkeypatch.undo()
    build_dir = build(program, tmp_path / "out")
    assert "exists; choose another name" in refused(capsys, "export", build_dir, "--nir", path)
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ToolError, match="needs the package nir"):
        make_graph(neural_network(program))
    said = refused(capsys, "export", build_dir, "--nir", tmp_path / "b.nir")
    assert "pip install 'lmu-hw[nir]'" in said
    assert not (tmp_path / "b.nir").exists()


def test_the_command_says_what_is_not_carried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_dir = build(SPIKING["integrate_pair"], tmp_path / "out")
    said = call(capsys, "export", build_dir, "--nir", tmp_path / "a.nir")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("experimental NIR graph written to ")
    assert all(text in said.out for text in NOT_CARRIED)
    argv = ("export", build_dir, "--nir", tmp_path / "a.nir", "--force")
    assert call(capsys, *argv, "--json").json == {
        "nir": str(tmp_path / "a.nir"),
        "experimental": True,
        "not_carried": list(NOT_CARRIED),
    }


def test_a_design_writes_its_graph(tmp_path: Path) -> None:
    settings = {"neurons": 24, "neuron_model": "integrate-fire"}
    design = lh.compile(lh.Memory(3, theta=THETA), realization="spiking", neurons=settings)
    design.write_nir(tmp_path / "a.nir")
    assert nir.read(tmp_path / "a.nir").nodes["neurons"].r.shape == (24,)
