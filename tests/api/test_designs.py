"""Designs on words and on real values: what they take, refuse, and hand over."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

import lmu_hw as lh
from lmu_hw.errors import RangeError, SpecError
from tests.api.test_sources import X, network

DESIGN = lh.compile(lh.Memory(3, theta=12), bits=8)
WORDS = np.random.default_rng(0).integers(-128, 128, 60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (np.zeros((5, 2), dtype=int), r"has shape \(5, 2\) but should be \(n_steps, 1\)"),
        (np.zeros((1, 1, 1, 1), dtype=int), "has shape"),
        ([0.5, 1.0], "must be integers of 64 bits, not float64; to_words converts"),
        ([True], "not bool"),
        (["1"], "must be integers"),
        ([[1], [1, 2]], "rows are of one length"),
        (np.array([2**63], dtype=np.uint64), "not uint64"),
    ],
)
def test_what_is_no_input_word_is_refused(words: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        DESIGN.run(words)


@pytest.mark.parametrize("engine", ["auto", "interpreter"])
def test_words_and_states_must_fit_their_formats(engine: str) -> None:
    with pytest.raises(RangeError, match="u must be -128 to 127"):
        DESIGN.run([128], engine=engine)
    state = DESIGN.run(WORDS).state
    with pytest.raises(RangeError):
        DESIGN.run([0], state=state + 10**9, engine=engine)
    with pytest.raises(SpecError, match="state has shape"):
        DESIGN.run([0], state=state[1:], engine=engine)
    with pytest.raises(SpecError, match="state must be integers"):
        DESIGN.run([0], state=state * 0.5, engine=engine)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(SpecError, match="engine must be one of auto, c, interpreter"):
        DESIGN.run([0], engine="fpga")


@pytest.mark.parametrize("k", [0, 1, 17, 59])
def test_a_run_goes_on_where_another_stopped_on_any_engine(k: int) -> None:
    whole = DESIGN.run(WORDS)
    for first, second in (("auto", "interpreter"), ("interpreter", "auto")):
        half = DESIGN.run(WORDS[:k], engine=first)
        rest = DESIGN.run(WORDS[k:], state=half.state, engine=second)
        np.testing.assert_array_equal(rest.state, whole.state)
        np.testing.assert_array_equal(np.vstack([half.outputs, rest.outputs]), whole.outputs)


def test_values_beyond_the_input_saturate_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"2 of 3 values saturate beyond -1 to 0\.992188") as seen:
        predicted = DESIGN.predict([5.0, -5.0, 0.5])
    assert seen[0].filename == __file__
    np.testing.assert_array_equal(predicted, DESIGN.to_real(DESIGN.run([127, -128, 64]).outputs))
    with pytest.warns(UserWarning, match="3 of 3"):
        assert DESIGN.to_words([2, 2, -2]).tolist() == [[127], [127], [-128]]


@pytest.mark.parametrize("u", [[np.nan], [np.inf], ["a"], [[0.0, 0.0]], 0.0], ids=str)
def test_what_is_no_real_input_is_refused(u: Any) -> None:
    with pytest.raises(SpecError, match="the input"):
        DESIGN.predict(u)


def test_real_values_are_words_times_their_lsb() -> None:
    outputs = DESIGN.run(WORDS).outputs
    np.testing.assert_array_equal(DESIGN.to_real(outputs), outputs * DESIGN.formats["y"].lsb)
    with pytest.raises(SpecError, match=r"should be \(..., 3\)"):
        DESIGN.to_real(outputs[:, :2])


@pytest.mark.parametrize("classes", [False, True])
def test_predictions_are_the_outputs_that_evaluate_judges(classes: bool) -> None:
    design = lh.compile(network(every_step=False, classes=classes), calibration=X)
    outputs = design.run(X_WORDS := design.to_words(X.transpose(1, 0, 2))).outputs
    predicted = design.predict(X)
    np.testing.assert_array_equal(predicted, design.to_real(outputs)[0])
    assert predicted.shape == (len(X), 2)
    assert X_WORDS.shape == (40, len(X), 1)
    if classes:
        # what the float network says of a class is judged by the largest score
        labels = predicted.argmax(axis=1)
        assert design.evaluate(X, labels).integers.accuracy == 1.0
    else:
        assert design.evaluate(X, predicted).integers.nrmse == 0.0


def test_options_that_do_not_apply_are_refused() -> None:
    memory, trained = lh.Memory(3), network()
    for wrong in ({"calibration": X}, {"output_every": 2}):
        with pytest.raises(SpecError, match="left out for a memory"):
            lh.compile(memory, **wrong)  # type: ignore[arg-type]
    for wrong in ({"output": "state"}, {"realization": "dense"}):
        with pytest.raises(SpecError, match="left out for a network"):
            lh.compile(trained, **wrong)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="bits must be left out"):
        lh.compile(trained, bits=8, widths=lh.Widths())
    for source in (memory, trained):
        with pytest.raises(SpecError, match="widths must be of"):
            lh.compile(source, widths={"bits": 8})
    with pytest.raises(SpecError, match="load_model reads a file"):
        lh.compile("model.npz")  # type: ignore[arg-type]
    spec = lh.Memory(3, theta=12).spec(bits=8)
    assert lh.compile(spec).program == DESIGN.program
    with pytest.raises(SpecError, match="an LMUSpec holds every option"):
        lh.compile(spec, bits=12)
    for every in (-3, 2.5):
        with pytest.raises(SpecError, match="output_every must be a whole number"):
            lh.compile(trained, output_every=every, calibration=X)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="input_peak must be > 0"):
        lh.calibrate(trained, X, input_peak=-1.0)
    with pytest.raises(SpecError, match="max_loss must be from 0"):
        lh.tune(trained, X, np.zeros(len(X)), max_loss=3.0)
    with pytest.raises(SpecError, match="must be a network's"):
        DESIGN.evaluate(X)


def test_hardware_takes_the_name_of_its_ports() -> None:
    axi = lh.Hardware(streams="axi")
    assert lh.Hardware(streams=axi.streams) == axi
    assert "s_axis_tdata" in DESIGN.verilog(axi)["lmu.v"]
    with pytest.raises(SpecError, match="streams must be plain or axi, not 'avalon'"):
        lh.Hardware(streams="avalon")


def test_the_component_of_some_lanes_gives_the_words_of_run() -> None:
    core, got = DESIGN.component(lh.Hardware(lanes=2)), []

    async def bench(ctx: Any) -> None:
        ctx.set(core.o.ready, 1)
        ctx.set(core.i.payload, int(WORDS[0]))
        ctx.set(core.i.valid, 1)
        await ctx.tick().until(core.i.ready)
        ctx.set(core.i.valid, 0)
        while len(got) < 3:
            (word,) = await ctx.tick().sample(core.o.payload.data).until(core.o.valid)
            got.append(word)

    simulator = Simulator(core)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert [got] == DESIGN.run(WORDS[:1]).outputs.tolist()


def test_a_design_is_pickled_also_after_a_run() -> None:
    DESIGN.run(WORDS)
    again = pickle.loads(pickle.dumps(DESIGN))
    assert again.program.digest == DESIGN.program.digest
    np.testing.assert_array_equal(again.run(WORDS).outputs, DESIGN.run(WORDS).outputs)


def test_the_first_point_of_tune_that_keeps_is_the_cheapest() -> None:
    trained = network(every_step=False)
    points = lh.tune(trained, X, trained.predict(X), max_loss=0.05)
    costs = [point.cost for point in points]
    assert costs == sorted(costs)
    first = next(point for point in points if point.keeps)
    assert first.loss <= 0.05
    assert first.cost == min(point.cost for point in points if point.keeps)
    design = lh.compile(trained, widths=first.widths, calibration=X)
    assert design.evaluate(X, trained.predict(X)).integers.nrmse == first.score
    with pytest.raises(SpecError, match="give y"):
        lh.tune(trained, X)
