"""Metrics against plain loops, the engines against each other, and the costs of programs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lmu_hw._support import workers
from lmu_hw.errors import SpecError, ToolError
from lmu_hw.measure import evaluate as evaluating
from lmu_hw.measure import signal_error as tracing
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import Outputs, evaluate, metrics, run_floats, run_integers
from lmu_hw.measure.evaluation import Checked, Evaluation, Metrics
from lmu_hw.measure.signal_error import trace
from lmu_hw.models import forward
from lmu_hw.models.network import Activation, FloatNetwork, LinearMemory, LMULayer, scores
from lmu_hw.program.codec import from_data, to_data
from lmu_hw.program.fixedpoint import QFormat, from_real
from lmu_hw.program.integer_program import (
    Adaptor,
    Cascade,
    DenseUpdate,
    Function,
    Ladder,
    Linear,
    Pointwise,
    Program,
    Role,
    Scale,
    Term,
    Vector,
)
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.program.size import ram_bits, rom_bits
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_network import QuantizedNetwork
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.networks import CELLS, LINEAR, TANH, cell, lmu, network, rng, with_classes
from tests.factories.programs import ladder_program
from tests.tools import require

ENGINES = ["interpreter", "c"]


def sequences(*lengths: int, n_in: int = 2, peak: float = 1.0) -> tuple[np.ndarray, ...]:
    return tuple(rng(k).uniform(-peak, peak, (n, n_in)) for k, n in enumerate(lengths))


def classifier(every_step: bool = False) -> FloatNetwork:
    first = lmu(rng(1), 2, kind="simple_rnn", n=4, reads_input=True)
    return with_classes(first, every_step=every_step)


def design(net: FloatNetwork, widths: Widths | None = None, **options: Any) -> QuantizedNetwork:
    data = sequences(30, 30, n_in=net.n_in)
    return Calibration(net, data).design(widths or Widths(), title="test", **options)


RAGGED = sequences(5, 9, 5, 1, 9)


def engine_of(name: str) -> str:
    if name == "c":
        require("cc|gcc|clang")
    return name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("every_step", [True, False])
def test_outputs_are_those_of_single_runs_in_the_order_of_the_data(
    every_step: bool, engine: str
) -> None:
    made = design(classifier(every_step))
    found = run_integers(made, Dataset(sequences=RAGGED), engine_of(engine))
    program = with_output_every(made.program, 1)
    y, x = program.vector("y"), program.vector("x")
    for values, sequence in zip(found.values, RAGGED, strict=True):
        words = Interpreter(program).run(from_real(sequence, x.fmt)[0][:, None])[:, 0]
        real = words[:, : y.length] * y.fmt.lsb
        np.testing.assert_array_equal(values, real if every_step else real[-1:])


@pytest.mark.parametrize("kind", [None, *CELLS])
def test_compiled_c_gives_what_the_interpreter_gives(kind: str | None) -> None:
    require("cc|gcc|clang")
    net = network(lmu(rng(1), 2, kind=kind, terms=("e_x", "e_m", "b"), reads_input=True))
    made = design(net, Widths(weight_bits=3, act_bits=6))
    # beyond what was seen, so that words saturate
    data = Dataset(sequences=sequences(7, 20, 7, peak=3.0))
    c, words = (run_integers(made, data, engine) for engine in ("c", "interpreter"))
    for a, b in zip(c.values, words.values, strict=True):
        np.testing.assert_array_equal(a, b)


def test_floats_are_those_of_the_network_without_its_softmax() -> None:
    net = classifier(every_step=True)
    found = run_floats(design(net), Dataset(sequences=RAGGED))
    for values, sequence in zip(found.values, RAGGED, strict=True):
        np.testing.assert_allclose(values, forward.run(scores(net), sequence[None])[0], atol=1e-12)
        assert values.shape == (len(sequence), 3)


@pytest.mark.parametrize(
    ("cores", "n", "sizes"),
    [
        (2, 2000, {250}),
        (2, 600, {300}),
        (2, 800, {200}),
        (2, 40, {20}),
        (8, 2001, {250, 251}),
        (64, 640, {32}),
        (1, 100, {100}),
    ],
)
def test_floats_run_on_all_cores_in_parts_that_end_together(
    cores: int, n: int, sizes: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (evaluating, workers):
        monkeypatch.setattr(module, "n_workers", lambda: cores)
    made, x = design(classifier()), tuple(rng(5).uniform(-1.0, 1.0, (n, 3, 2)))
    seen: list[int] = []
    original = forward.run

    def spy(network: FloatNetwork, x: np.ndarray, *args: Any) -> np.ndarray:
        seen.append(len(x))
        return original(network, x, *args)

    monkeypatch.setattr(forward, "run", spy)
    told: list[int] = []
    found = run_floats(made, Dataset(sequences=x), told.append)
    assert set(seen) == sizes
    assert sum(told) == sum(seen) == n
    # a third of a batch at each of three steps
    assert max(told) <= -(-max(sizes) // 3)
    alone = original(scores(made.network), np.stack(x))
    # BLAS may sum in another order where other sequences stand beside one
    np.testing.assert_allclose(np.stack(found.values)[:, 0], alone, atol=1e-14)


def test_integers_tell_how_far_they_are_within_a_batch() -> None:
    told: list[int] = []
    made, x = design(classifier()), sequences(*[10] * 40)
    run_integers(made, Dataset(sequences=x), "interpreter", told.append)
    assert told == [4] * 10


def test_targets_say_whether_every_step_is_wanted() -> None:
    made = design(classifier(every_step=True))
    last = Dataset(sequences=RAGGED, labels=np.zeros(5, dtype=np.int64))
    assert {len(v) for v in run_floats(made, last).values} == {1}
    assert {len(v) for v in run_integers(made, last, "interpreter").values} == {1}
    made = design(classifier(every_step=False))
    each = Dataset(sequences=RAGGED, targets=tuple(np.zeros((len(s), 3)) for s in RAGGED))
    assert [len(v) for v in run_floats(made, each).values] == [5, 9, 5, 1, 9]
    assert [len(v) for v in run_integers(made, each, "interpreter").values] == [5, 9, 5, 1, 9]


def test_when_outputs_are_due_in_the_program_does_not_matter() -> None:
    data = Dataset(sequences=RAGGED, labels=np.zeros(5, dtype=np.int64))
    wanted = run_integers(design(classifier()), data, "interpreter")
    for every in (0, 4):
        got = run_integers(design(classifier(), output_every=every), data, "interpreter")
        for a, b in zip(got.values, wanted.values, strict=True):
            np.testing.assert_array_equal(a, b)


def test_accuracy_and_confusion() -> None:
    values = tuple(np.array([[9.0, 9, 9], row]) for row in ([1, 0, 0], [0, 2, 1], [0, 1, 0]))
    data = Dataset(sequences=(np.zeros((2, 1)),) * 3, labels=np.array([0, 2, 1]))
    found = metrics(data, Outputs(values=values))
    assert found == Metrics(accuracy=2 / 3, confusion=((1, 0, 0), (0, 1, 0), (0, 1, 0)))
    assert found.score == 2 / 3
    assert all(type(n) is int for row in found.confusion or () for n in row)


def test_nrmse() -> None:
    x = (np.zeros((2, 1)),) * 2
    targets = (np.array([[3.0], [0.0]]), np.array([[4.0], [0.0]]))
    values = (np.array([[3.0], [1.0]]), np.array([[4.0], [2.0]]))
    found = metrics(Dataset(sequences=x, targets=targets), Outputs(values=values))
    assert found == Metrics(nrmse=pytest.approx(np.sqrt(5 / 25)))
    assert found.score == found.nrmse
    # nothing to divide by: the error itself
    silent = (np.zeros((2, 1)),) * 2
    found = metrics(Dataset(sequences=x, targets=silent), Outputs(values=targets))
    assert found == Metrics(nrmse=5.0)
    assert metrics(Dataset(sequences=x), Outputs(values=values)) == Metrics()


def test_targets_of_a_classifier_are_probabilities() -> None:
    scores_of = np.array([[1.0, 2.0, 0.5]])
    target = np.exp(scores_of) / np.sum(np.exp(scores_of))
    data = Dataset(sequences=(np.zeros((1, 1)),), targets=(target,))
    found = metrics(data, Outputs(values=(scores_of,), softmax=True))
    assert found.nrmse is not None
    assert found.nrmse < 1e-15
    found = metrics(data, Outputs(values=(scores_of,)))
    assert found.nrmse is not None
    assert found.nrmse > 1


def test_the_report_of_a_classifier() -> None:
    net = classifier()
    x = sequences(*[12] * 40, peak=2.0)
    labels = np.argmax(np.stack([forward.run(net, s[None])[0] for s in x]), axis=1)
    data = Dataset(sequences=x, labels=labels)
    made = Calibration(net, x).design(Widths(weight_bits=16), title="t")
    counts: list[int] = []
    report = evaluate(made, data, engine="interpreter", advance=counts.append)
    assert report.sequences == 40
    assert report.floats.accuracy == 1.0
    assert report.integers.accuracy == report.agreement.same_class
    assert (report.agreement.same_class or 0) >= 0.95
    assert report.agreement.nrmse < 1e-3
    assert sum(counts) == 80
    assert set(report.trace.signals) == {b.signal for b in made.bases}
    coarse = Calibration(net, x).design(Widths(weight_bits=2, act_bits=4), title="t")
    worse = evaluate(coarse, data, engine="interpreter", floats=run_floats(made, data))
    assert worse.agreement.nrmse > 10 * report.agreement.nrmse
    assert worse.floats == report.floats


def test_agreement_is_that_of_the_outputs() -> None:
    made = design(network(lmu(rng(1), 2, kind="gru"), cell(rng(2), "dense", 3, 2, LINEAR)))
    data = Dataset(sequences=RAGGED)
    report = evaluate(made, data, engine="interpreter")
    a, b = run_floats(made, data).values, run_integers(made, data, "interpreter").values
    assert report.floats == report.integers == Metrics()
    error = np.concatenate(a) - np.concatenate(b)
    found = report.agreement
    assert found.largest_difference == np.max(np.abs(error))
    size = np.sqrt(np.mean(np.concatenate(a) ** 2))
    assert found.nrmse == pytest.approx(np.sqrt(np.mean(error**2)) / size)
    # two numbers are no classes
    assert found.same_class is None
    assert "same_class" not in report.to_dict()["agreement"]


def test_snr_is_of_the_words_against_the_float_signals() -> None:
    net = network(lmu(rng(1), 1, terms=(), memory=LinearMemory(order=3, theta=9.0)))
    made = design(net)
    x = sequences(50, n_in=1)
    found = trace(made, Dataset(sequences=x))
    y = made.program.vector("y")
    wanted = forward.run(net, x[0][None])[0]
    got = run_integers(made, Dataset(sequences=x), "interpreter").values[0]
    snr = 10 * np.log10(np.sum(wanted**2) / np.sum((got - wanted) ** 2))
    # against the graph, whose coefficients are rounded already
    assert found.signals["y"].snr_db == pytest.approx(snr, abs=1.0)
    assert found.signals["y"].format == str(y.fmt)
    assert found.worst_layer == "layer 1"
    assert found.worst_signal in found.signals


def test_the_layer_with_the_narrowest_words_is_the_worst() -> None:
    net = network(
        cell(rng(1), "simple_rnn", 2, 4), cell(rng(2), "dense", 4, 4), cell(rng(4), "gru", 4, 3)
    )
    for place in (1, 2, 3):
        bits = tuple(2 if k == place else 16 for k in (1, 2, 3))
        made = design(net, Widths(layer_weight_bits=bits))
        found = trace(made, Dataset(sequences=sequences(30)))
        quiet = [n for n, s in found.signals.items() if n.startswith(f"l{place - 1}_")]
        assert all(found.signals[n].snr_db > 50 for n in quiet)
        assert found.worst_layer in [f"layer {k}" for k in range(place, 4)]
        assert found.signals[found.worst_signal].snr_db < 50


def test_what_saturates_is_counted_and_zero_is_no_end() -> None:
    relu = cell(rng(1), "dense", 2, 6, Activation.RELU)
    net = network(lmu(rng(2), 2, kind="simple_rnn", n=2, activation=LINEAR), relu)
    made = design(net)
    fits = trace(made, Dataset(sequences=sequences(40))).signals
    y = run_integers(made, Dataset(sequences=sequences(40)), "interpreter").values[0]
    # half of a rectifier's words are zero: not one of them is held
    assert np.mean(y == 0.0) > 0.1
    assert {s.saturated for s in fits.values()} == {0.0}
    loud = trace(made, Dataset(sequences=sequences(40, peak=50.0))).signals
    assert loud["x"].saturated > 0.9
    assert loud["x"].snr_db < 5
    proven = {b.signal for b in made.bases if b.proven}
    assert all(loud[name].saturated == 0.0 for name in proven)


def test_a_trace_of_long_data_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    made = design(classifier())
    steps: list[int] = []
    original = Interpreter.run

    def spy(self: Interpreter, inputs: np.ndarray, *args: Any, **options: Any) -> np.ndarray:
        steps.append(len(inputs))
        return original(self, inputs, *args, **options)

    monkeypatch.setattr(Interpreter, "run", spy)
    monkeypatch.setattr(tracing, "TRACED_STEPS", 40)
    trace(made, Dataset(sequences=sequences(100, 30)))
    assert steps == [30, 40]
    monkeypatch.setattr(tracing, "TRACED_VALUES", 10 * sum(v.length for v in made.program.vectors))
    found = trace(made, Dataset(sequences=sequences(*[100] * 9)))
    assert steps[2:] == [10]
    assert found.traced_sequences == 1


def test_exact_signals_have_a_finite_snr() -> None:
    net = network(LMULayer(memory=LinearMemory(order=1, theta=2.0), n_in=1))
    found = trace(design(net), Dataset(sequences=(np.zeros((5, 1)),)))
    assert found.signals["x"].snr_db == tracing.SILENT_DB
    assert all(np.isfinite(s.snr_db) for s in found.signals.values())


def test_a_network_that_grows_without_end_is_refused() -> None:
    grows = replace(cell(rng(1), "simple_rnn", 2, 3, LINEAR), U=3.0 * np.eye(3))
    made = Calibration(network(grows), sequences(4)).design(Widths(), title="t")
    for n_steps in (200, 3000):
        with pytest.raises(SpecError, match=r"output grows beyond 1e\+30 on this data"):
            run_floats(made, Dataset(sequences=sequences(n_steps)))


def test_without_a_compiler_c_is_refused_and_auto_does_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    made, data = design(classifier()), Dataset(sequences=RAGGED)
    with pytest.raises(ToolError, match="no C compiler"):
        run_integers(made, data, "c")
    auto = run_integers(made, data, "auto")
    for a, b in zip(auto.values, run_integers(made, data, "interpreter").values, strict=True):
        np.testing.assert_array_equal(a, b)


# costs


def test_bits_of_a_program_counted_by_hand() -> None:
    f = Function(name="f", in_fmt=QFormat(1, 3), pieces=((-4, 3), (5, 0)), shifts=(1,), guard=0)
    vectors = (
        Vector(name="x", length=1, role=Role.INPUT, fmt=QFormat(1, 3)),
        Vector(name="z_inner", length=2, role=Role.STATE, fmt=QFormat(2, 5)),
        Vector(name="z_outer", length=1, role=Role.STATE, fmt=QFormat(2, 5)),
        Vector(name="silence", length=1, role=Role.STATE, fmt=QFormat(3, 0, signed=False)),
        Vector(name="h", length=2, role=Role.INTERNAL, fmt=QFormat(1, 4)),
        Vector(name="y", length=2, role=Role.OUTPUT, fmt=QFormat(1, 7)),
    )
    chain = Cascade(
        source="x",
        z_outer="z_outer",
        z_inner="z_inner",
        silence="silence",
        chain_fmt=QFormat(2, 5),
        window=7,
        sections=((Adaptor(5, 3), Adaptor(1, 3)), (Adaptor(7, 4),)),
    )
    linear = Linear(
        sources=("z_inner",),
        target="h",
        n_channels=1,
        rows=((3, -4), (0, 1)),
        aligns=(0,),
        biases=(-1, 0),
        multipliers=(9, 15),
        shifts=(4, 4),
        function=f,
    )
    both = Pointwise(terms=(Term("h"),), target="y", function=f)
    program = Program(title="t", vectors=vectors, ops=(chain, linear, both))
    adaptors = 3 * 4 + 3 * 6  # 1, 5, 7 as signed words of 4 bits
    rows = 4 * 3 + 2 * 1 + 2 * 5 + 2 * 6  # -4 to 3, -1 to 0, to 15; shifts
    assert rom_bits(program) == adaptors + rows + 2 * (4 + 3)
    assert ram_bits(program) == 3 * 7 + 3 + 2 * 5


def test_bits_of_a_dense_memory() -> None:
    vectors = (
        Vector(name="u", length=1, role=Role.INPUT, fmt=QFormat(1, 3)),
        Vector(name="m", length=2, role=Role.STATE, fmt=QFormat(2, 5)),
        Vector(name="silence", length=1, role=Role.STATE, fmt=QFormat(3, 0, signed=False)),
        Vector(name="y", length=2, role=Role.OUTPUT, fmt=QFormat(2, 5)),
    )
    memory = DenseUpdate(
        source="u", state="m", silence="silence", window=7, rows=((-3, 1), (0, -8)), shifts=(3, 3)
    )
    copy = Pointwise(terms=(Term("m"),), target="y")
    program = Program(title="t", vectors=vectors, ops=(memory, copy))
    assert rom_bits(program) == 4 * 4 + 2 * 6
    assert ram_bits(program) == 2 * 7 + 3


def test_bits_of_a_ladder() -> None:
    program = ladder_program(scaled=True)
    memory, scale = program.ops
    assert isinstance(memory, Ladder)
    assert isinstance(scale, Scale)
    op = replace(
        memory,
        sections=(Adaptor(5, 3), Adaptor(100, 8), Adaptor(3, 9), Adaptor(1, 3)),
        reflection=Adaptor(-7, 4),
    )
    program = replace(program, ops=(op, replace(scale, coefs=(1, 9, 1, 7))))
    # a signed word of the widest coefficient and a shift each, of adaptors and of the readout
    assert rom_bits(program) == 5 * (8 + 6) + 4 * (5 + 6)


def test_narrower_words_cost_less() -> None:
    net = network(lmu(rng(1), 2, kind="simple_rnn", n=20, activation=TANH))
    wide, narrow = (design(net, Widths(weight_bits=b, act_bits=b)).program for b in (16, 4))
    assert rom_bits(narrow) < 0.4 * rom_bits(wide)
    assert ram_bits(narrow) < ram_bits(wide)


def test_a_report_is_frozen_and_reads_back_from_its_json() -> None:
    made = design(classifier())
    x = sequences(12, 12)
    for data in (
        Dataset(sequences=x),
        Dataset(sequences=x, labels=np.array([0, 2])),
        Dataset(sequences=x, targets=tuple(np.ones((1, 3)) for _ in x)),
    ):
        report = evaluate(made, data, engine="interpreter")
        with pytest.raises(AttributeError):
            report.sequences = 3  # type: ignore[misc]
        written = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert from_data(Evaluation, written) == report
        assert written["signals"].keys() == report.trace.signals.keys()
        assert ("confusion" in written["integer"]) == (data.labels is not None)
        table = report._repr_html_()
        assert all(f">{name}</td>" in table for name in report.trace.signals)


def test_a_checked_engine_is_written_with_what_was_checked() -> None:
    engine = evaluating.engine_data(Checked(sequences=3, words=1200))
    assert to_data(engine) == {"name": "c", "checked": {"sequences": 3, "words": 1200}}
    assert to_data(evaluating.engine_data(None)) == {"name": "interpreter"}
