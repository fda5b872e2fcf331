"""Programs of networks: accurate to their bits, bit-exact, within their proven ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.measure.dataset import Dataset
from lmu_hw.measure.evaluate import run_integers
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
    dense_multiplies,
    scores,
)
from lmu_hw.program import fixedpoint, interpreter
from lmu_hw.program.fixedpoint import Overflow, QFormat, from_real, to_real
from lmu_hw.program.integer_program import Linear, Program, Role, from_json
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.lower import lower
from lmu_hw.quantize.quantize_network import QuantizedNetwork
from lmu_hw.quantize.word_lengths import Widths
from tests.factories.keras_model import NAMES, write
from tests.factories.networks import (
    CELLS,
    LINEAR,
    SCALAR,
    TANH,
    cell,
    lmu,
    network,
    rng,
    trained,
    uniform,
)
from tests.factories.random_networks import random_network
from tests.program import reference

WIDE = Widths(weight_bits=16, act_bits=16)
CONTAINERS = ["keras", "keras 2", "functional", "weights", "h5", "h5 2"]
TERMS = ("e_x", "e_h", "e_m", "b")


def sequences(net: FloatNetwork, n_steps: int = 40, peak: float = 1.0) -> list[np.ndarray]:
    return [rng(k).uniform(-peak, peak, (n_steps, net.n_in)) for k in range(3)]


def design(
    net: FloatNetwork, widths: Widths = WIDE, data: list[np.ndarray] | None = None, **options: Any
) -> QuantizedNetwork:
    data = sequences(net) if data is None else data
    return Calibration(net, data).design(widths, title="test", **options)


def integers(made: QuantizedNetwork, x: np.ndarray) -> np.ndarray:
    """Return what the program gives at every step, in real units, a softmax applied."""
    net = replace(made.network, every_step=True)
    (y,) = run_integers(replace(made, network=net), Dataset(sequences=(x,)), "interpreter").values
    if made.network.is_classifier:
        y = forward.activate(Activation.SOFTMAX, y)
    return y


def words(made: QuantizedNetwork, x: np.ndarray) -> np.ndarray:
    return from_real(x, made.program.vector("x").fmt)[0]


def difference(net: FloatNetwork, widths: Widths, data: list[np.ndarray] | None = None) -> float:
    """Return the largest difference of the program to the network in floats."""
    made = design(net, widths, data)
    x = sequences(net)[0] if data is None else data[0]
    wanted = forward.run(replace(net, every_step=True), x[None])[0]
    return float(np.max(np.abs(integers(made, x) - wanted)))


# as near as the bits allow


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_files_of_keras_lmu_in_16_bits(name: str, suffix: str, data_dir: Path) -> None:
    build_dir = data_dir / "keras_lmu"
    io = np.load(build_dir / f"{name}.io.npz")
    spec = build_dir / f"{name}.keras" if suffix == ".weights.h5" else None
    net = load(build_dir / f"{name}{suffix}", spec=spec)
    y = integers(design(net, WIDE, [io["x"]]), io["x"])
    # the accuracy goal, against the model's own output
    assert np.max(np.abs(y - io["y"])) <= 5e-3


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_in_16_bits(container: str, tmp_path: Path) -> None:
    net = write(tmp_path, container)
    assert difference(net, WIDE) <= 1e-3


@pytest.mark.parametrize("kind", [None, *CELLS])
def test_every_cell_in_16_bits(kind: str | None) -> None:
    """16-bit words of outputs of about 1, read several times and fed back: some LSB of 2**-15."""
    net = network(lmu(rng(1), 2, kind=kind, terms=TERMS, reads_input=True))
    assert difference(net, WIDE) <= 100 * 2.0**-15


@pytest.mark.parametrize("activation", SCALAR)
def test_every_activation_in_16_bits(activation: Activation) -> None:
    for kind in ("simple_rnn", "lstm", "gru"):
        assert difference(network(cell(rng(2), kind, 2, 3, activation)), WIDE) <= 100 * 2.0**-15


def test_random_stacks_in_16_bits() -> None:
    checked = 0
    for seed in range(25):
        net = random_network(seed)
        if not lower(net, 16).names(Role.STATE):
            continue
        x = sequences(net)[0]
        y = forward.run(replace(net, every_step=True), x[None])[0]
        size = max(1.0, float(np.max(np.abs(y))))
        # three layers, the noise of each amplified by those that follow
        assert difference(net, WIDE) <= 0.01 * size, seed
        checked += 1
    assert checked > 20


@pytest.mark.parametrize("kind", ["dense", "lstm"])
def test_the_error_falls_with_the_bits(kind: str) -> None:
    net = network(lmu(rng(1), 2, kind=kind, n=8, reads_input=True), cell(rng(2), "dense", 8, 3))
    for name, ladder, gain in (
        ("weight_bits", (2, 4, 8, 12), 200),
        ("act_bits", (4, 6, 9, 16), 50),
    ):
        errors = [difference(net, replace(WIDE, **{name: bits})) for bits in ladder]
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > gain * errors[-1]


def test_coefficients_states_and_input_have_bits_of_their_own() -> None:
    memory = LinearMemory(order=6, theta=30.0, channels=2)
    net = network(lmu(rng(1), 2, kind="dense", memory=memory))
    for name, ladder in (
        ("coef_bits", (4, 8, 16)),
        ("state_bits", (10, 13, 16)),
        ("input_bits", (4, 8, 16)),
    ):
        errors = [difference(net, replace(WIDE, **{name: bits})) for bits in ladder]
        assert errors == sorted(errors, reverse=True), name
        assert errors[0] > 3 * errors[-1], name


def test_each_layer_may_have_weights_of_its_own_width() -> None:
    net = network(lmu(rng(1), 2, kind="dense", n=4), cell(rng(2), "dense", 4, 3))
    made = design(net, Widths(weight_bits=16, layer_weight_bits=(3, 5)))
    tops = {
        op.target: max(abs(w) for row in op.rows for w in row)
        for op in made.program.ops
        if isinstance(op, Linear)
    }
    assert tops == {"l1_u": 3, "l1_h": 3, "y": 15}
    with pytest.raises(SpecError, match="one for each of 2 layers, not 3"):
        design(net, Widths(layer_weight_bits=(3, 5, 7)))


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_the_unit_of_the_data_does_not_matter(scale: float) -> None:
    """Volts or microvolts: a network of linear layers is as exact at every scale of its input."""
    layer = lmu(rng(1), 2, kind="dense", activation=LINEAR, reads_input=True)
    net = network(layer, replace(cell(rng(2), "dense", 3, 2, LINEAR), b=np.zeros(2)))
    assert isinstance(layer.cell, DenseLayer)
    quiet = replace(layer, cell=replace(layer.cell, b=np.zeros(3)))
    net = network(quiet, net.layers[1])
    data = sequences(net, peak=scale)
    y = forward.run(net, data[0][None])[0]
    # input words and those of three layers, each rounded to 2**-15 of its range
    assert difference(net, WIDE, data) <= 2e-4 * np.max(np.abs(y))


def test_whole_numbers_are_as_good_as_reals() -> None:
    net = network(lmu(rng(1), 2, kind="simple_rnn"))
    data = [rng(k).integers(-128, 128, (30, 2)).astype(np.int8) for k in range(3)]
    made = design(net, WIDE, data)
    fmt = made.program.vector("x").fmt
    assert (fmt.int_bits, fmt.width) == (8, 16)
    np.testing.assert_array_equal(words(made, data[0]), data[0].astype(int) << fmt.frac_bits)
    # words too narrow for the whole range are coarser than 1, and hold it all the same
    narrow = design(net, replace(WIDE, input_bits=4), data).program.vector("x").fmt
    assert narrow.width == 4
    assert narrow.max * narrow.lsb >= 100


@pytest.mark.parametrize("bits", [4, 8, 12, 15, 16])
@pytest.mark.parametrize(
    ("peak", "int_bits"),
    [(1.0, 1), (2047 / 2048, 1), (0.5, 0), (0.51, 1), (1.001, 2), (2.0, 2), (3.0, 3), (100.0, 8)],
)
def test_integer_bits_of_the_input_depend_on_its_peak_alone(
    bits: int, peak: float, int_bits: int
) -> None:
    net = network(lmu(rng(1), 2, kind="dense"))
    made = Calibration(net, sequences(net), peak).design(replace(WIDE, input_bits=bits), title="t")
    fmt = made.program.vector("x").fmt
    assert (fmt.int_bits, fmt.width) == (int_bits, bits)
    # the peak itself is off by one LSB at most, either way
    got, n_saturated = from_real([-peak, peak], fmt)
    assert n_saturated == 0
    assert np.max(np.abs(to_real(got, fmt) - [-peak, peak])) <= fmt.lsb


def test_the_input_may_be_given_more_room_than_the_data_take() -> None:
    net = network(lmu(rng(1), 2, kind="dense"))
    made = Calibration(net, sequences(net), 100.0).design(WIDE, title="t")
    fmt = made.program.vector("x").fmt
    assert fmt.int_bits == 8
    made = Calibration(net, None, 100.0).design(WIDE, title="t")
    assert made.program.vector("x").fmt == fmt
    assert made.calibration == "noise within +-100"


# what is proven


class Watched(Interpreter):
    """Notes how far words would have left their formats, had they not been held [LSB]."""

    def __init__(self, program: Program, n_streams: int, patch: pytest.MonkeyPatch) -> None:
        super().__init__(program, n_streams)
        self.writes: tuple[str, ...] = ()
        self.beyond: dict[str, int] = {}
        original = fixedpoint.overflow

        def spy(x: Any, fmt: QFormat, mode: Overflow) -> Any:
            if self.writes:
                beyond = max(int(np.max(x)) - fmt.max, fmt.min - int(np.min(x)))
                name = self.writes[-1]
                self.beyond[name] = max(self.beyond.get(name, 0), beyond)
            return original(x, fmt, mode)

        patch.setattr(fixedpoint, "overflow", spy)
        patch.setattr(interpreter, "overflow", spy)

    def _run_op(self, op: Any) -> None:
        # a function takes any sum: beyond its ends it is flat
        function = getattr(op, "function", None)
        self.writes = () if function is not None else op.writes
        super()._run_op(op)
        self.writes = ()


def adversaries(made: QuantizedNetwork, n_steps: int) -> np.ndarray:
    """Return input words at their rails, in patterns that drive memories as far as may be."""
    fmt, n_in = made.program.vector("x").fmt, made.network.n_in
    t = np.arange(n_steps)[:, None] * np.ones((1, n_in), dtype=int)
    signs = [np.ones_like(t), -np.ones_like(t), rng(1).choice([-1, 1], (n_steps, n_in))]
    signs += [np.where((t // hold) % 2, -1, 1) for hold in (1, 2, 3, 5, 8, 13, 21)]
    # the signs of each state's own answer to an impulse, backwards: its worst case
    states = [n for n in made.program.vectors if n.name.endswith(("z_inner", "z_outer"))]
    impulses = np.zeros((n_steps, n_in, n_in), dtype=np.int64)
    impulses[0] = fmt.max * np.eye(n_in, dtype=np.int64)
    answers: list[Mapping[str, np.ndarray]] = []
    run = Interpreter(made.program, n_in)
    run.run(impulses, watch=lambda w: answers.append({v.name: w[v.name] for v in states}))
    for channel in range(n_in):
        for v in states:
            h = np.array([a[v.name][channel] for a in answers])
            signs += [
                np.where(h[::-1, k : k + 1] < 0, -1, 1) * np.ones_like(t) for k in range(v.length)
            ]
    stack = np.stack(signs, axis=1)
    return np.where(stack < 0, fmt.min, fmt.max).astype(np.int64)


LIMITS = {Activation.HARD_TANH, Activation.HARD_SIGMOID, Activation.HARD_SIGMOID_5}


@pytest.mark.parametrize(("bits", "state_bits"), [(2, 12), (5, None), (16, 14)])
@pytest.mark.parametrize("kind", [None, *CELLS])
def test_what_is_proven_never_saturates(
    kind: str | None, bits: int, state_bits: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(
        lmu(rng(bits), 2, kind=kind, reads_input=True, terms=("e_x", "e_m")),
        lmu(rng(bits), 8 if kind is None else 3, terms=()),
    )
    act_bits = max(4, bits)
    widths = Widths(weight_bits=bits, act_bits=act_bits, coef_bits=8, state_bits=state_bits)
    made = design(net, widths)
    x = adversaries(made, 80)
    watched = Watched(made.program, x.shape[1], monkeypatch)
    watched.run(x)
    proven = {b.signal for b in made.bases if b.proven}
    assert {"l1_z_inner", "l1_z_outer", "l2_z_inner", "l2_z_outer"} <= proven
    # one LSB: a signed word ends one below the power of two
    assert max(watched.beyond[name] for name in proven & set(watched.beyond)) <= 1


def test_what_was_only_seen_does_saturate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same check without a proof: the calibration data cover less than the inputs."""
    net = network(lmu(rng(1), 1, terms=(), memory=LinearMemory(order=4, theta=20.0)))
    made = design(net, WIDE, [np.r_[1.0, np.zeros(30)][:, None]])
    x = adversaries(made, 80)
    watched = Watched(made.program, x.shape[1], monkeypatch)
    watched.run(x)
    assert watched.beyond["y"] > 100
    assert not next(b for b in made.bases if b.signal == "y").proven


def test_proofs_hold_for_the_integers_not_for_what_was_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two-bit weights of 1, 0.6, 0.6, 0.6 are four equal ones: their sum is no longer below 4."""
    W = np.array([[1.0, 0.6, 0.6, 0.6, 0.6]])
    first = lmu(rng(1), 5, terms=(), memory=LinearMemory(order=1, theta=2.0, channels=5))
    net = network(first, DenseLayer(W=W, b=np.zeros(1), activation=LINEAR))
    data = [np.full((30, 5), 0.9), -np.full((30, 5), 0.9)]
    for bits in (2, 3, 8):
        with monkeypatch.context() as patch:
            made = design(net, Widths(weight_bits=bits), data)
            x = adversaries(made, 30)
            watched = Watched(made.program, x.shape[1], patch)
            watched.run(x)
        (y,) = (b for b in made.bases if b.signal == "y")
        assert watched.beyond["y"] <= 1 or not y.proven
    op = made.program.ops[-1]
    assert isinstance(op, Linear)


def test_peaks_that_are_proven_are_not_exceeded_and_not_far_away() -> None:
    """A memory's bound for every input within its format; some input comes near."""
    net = network(lmu(rng(1), 1, terms=(), memory=LinearMemory(order=3, theta=8.0)))
    made = design(net, WIDE)
    x = adversaries(made, 200)
    peaks: dict[str, float] = {}

    def watch(now: Mapping[str, np.ndarray]) -> None:
        for b in made.bases:
            size = float(np.max(np.abs(to_real(now[b.signal], b.fmt))))
            peaks[b.signal] = max(peaks.get(b.signal, 0.0), size)

    Interpreter(made.program, x.shape[1]).run(x, watch=watch)
    for b in made.bases:
        if b.signal.startswith("l1_z"):
            assert b.proven
            assert 0.9 * b.peak <= peaks[b.signal] <= b.peak


@pytest.mark.parametrize("activation", SCALAR)
def test_bounded_functions_need_no_data(activation: Activation) -> None:
    net = network(lmu(rng(1), 2, kind="simple_rnn", activation=activation))
    made = design(net, WIDE, sequences(net, peak=1e-3))
    (h,) = (b for b in made.bases if b.signal == "l1_h")
    assert h.proven or activation in (LINEAR, Activation.RELU)
    assert made.program.vector("l1_h").fmt.max < 1 << 15


def test_every_word_but_counters_has_a_basis() -> None:
    for kind in (None, *CELLS):
        made = design(network(lmu(rng(1), 2, kind=kind, terms=TERMS)), output_every=3)
        counters = {"clock", "l1_silence"}
        assert {b.signal for b in made.bases} == {v.name for v in made.program.vectors} - counters
        for b in made.bases:
            assert b.fmt == made.program.vector(b.signal).fmt
            assert np.isfinite(b.peak)


# the program itself


@pytest.mark.parametrize("kind", [None, *CELLS])
@pytest.mark.parametrize("widths", [Widths(weight_bits=3, act_bits=5, coef_bits=6), WIDE])
def test_plain_python_gives_the_same_words_and_states(kind: str | None, widths: Widths) -> None:
    head = cell(rng(2), "dense", 8 if kind is None else 3, 4, Activation.SOFTMAX)
    net = network(lmu(rng(1), 2, kind=kind, terms=TERMS, reads_input=True), head)
    made = design(net, widths)
    program = from_json(made.program.to_json())
    assert program == made.program
    # beyond what was seen: saturation is part of the meaning
    x = words(made, 4.0 * sequences(net, 12)[0])
    run = Interpreter(program)
    got = run.run(x[:, None])[:, 0]
    wanted, state = reference.run(program, x)
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(run.save()[0], state)


@pytest.mark.parametrize("terms", [(), TERMS])
def test_a_ladder_as_the_output(terms: tuple[str, ...]) -> None:
    """Within the roundings of 16-bit words of m, and of the encoder's weights where it reads m."""
    memory = LinearMemory(order=9, theta=40.0, discretizer=Discretizer.BILINEAR, channels=2)
    net = network(lmu(rng(1), 2, terms=terms, memory=memory))
    data = sequences(net, 160)
    made, x = design(net, data=data), data[0]
    kinds = ["ladder", "scale"] if not terms else ["linear", "ladder", "scale", "pointwise"]
    assert [op.kind for op in made.program.ops] == kinds
    lsb = made.program.with_role(Role.OUTPUT)[0].fmt.lsb
    error = integers(made, x) - forward.run(replace(net, every_step=True), x[None])[0]
    assert np.sqrt(np.mean(error**2, axis=0)).max() < (1.0 if not terms else 8.0) * lsb
    got = Interpreter(made.program).run(words(made, x[:40])[:, None])[:, 0]
    np.testing.assert_array_equal(got, reference.run(made.program, words(made, x[:40]))[0])


@pytest.mark.parametrize("container", CONTAINERS)
def test_plain_python_agrees_on_imported_models(container: str, tmp_path: Path) -> None:
    net = write(tmp_path, container)
    made = design(net, Widths())
    x = words(made, sequences(net, 6)[0])
    wanted, state = reference.run(made.program, x)
    run = Interpreter(made.program)
    np.testing.assert_array_equal(run.run(x[:, None])[:, 0], wanted)
    np.testing.assert_array_equal(run.save()[0], state)


def test_plain_python_agrees_on_random_stacks() -> None:
    for seed in range(12):
        net = random_network(seed)
        if not lower(net, 16).names(Role.STATE):
            continue
        made = design(net, Widths(weight_bits=4, act_bits=6, coef_bits=9))
        x = words(made, 2.0 * sequences(net, 8)[0])
        wanted, state = reference.run(made.program, x)
        run = Interpreter(made.program)
        np.testing.assert_array_equal(run.run(x[:, None])[:, 0], wanted)
        np.testing.assert_array_equal(run.save()[0], state)


@pytest.mark.parametrize("kind", [None, *CELLS])
def test_when_outputs_are_due_changes_no_word_of_them(kind: str | None) -> None:
    net = network(lmu(rng(1), 2, kind=kind, terms=("e_x", "e_m")), lmu(rng(2), 3 if kind else 6))
    every = {k: design(net, Widths(), output_every=k).program for k in (1, 0, 2, 7)}
    x = from_real(sequences(net, 21)[0], every[1].vector("x").fmt)[0][:, None]
    wanted = Interpreter(every[1]).run(x)
    np.testing.assert_array_equal(Interpreter(every[0]).run(x), wanted[-1:])
    for k in (2, 7):
        np.testing.assert_array_equal(Interpreter(every[k]).run(x), wanted[k - 1 :: k])


def test_what_nothing_recurrent_reads_waits_for_an_output() -> None:
    memory = LinearMemory(order=8, theta=30.0)
    first = lmu(rng(1), 1, kind="dense", n=5, terms=("e_x",), memory=memory)
    net = network(first, cell(rng(2), "dense", 5, 3))
    last, each = design(net, output_every=0).program, design(net, output_every=1).program
    # the encoder and the chain in every step, the layers for an output
    assert last.multiplies_per_step == 1 + 8
    assert last.multiplies_per_output == 5 * 8 + 3 * 5
    assert (each.multiplies_per_step, each.multiplies_per_output) == (9 + 55, 0)


def test_a_psmnist_network_of_the_feed_forward_kind_is_cheap() -> None:
    """Issue 3: at most 1.2 M multiplies a sequence, where dense matrices take over 80 M."""
    hidden = DenseLayer(W=uniform(rng(1), 212, 256), b=np.zeros(212), activation=TANH)
    memory = LinearMemory(order=256, theta=784.0)
    first = LMULayer(memory=memory, n_in=1, e_x=np.ones((1, 1)), cell=hidden)
    net = network(first, cell(rng(2), "dense", 212, 10, Activation.SOFTMAX), every_step=False)
    data = [rng(k).uniform(0.0, 1.0, (20, 1)) for k in range(2)]
    program = design(net, Widths(), data, output_every=0).program
    ours = 784 * program.multiplies_per_step + program.multiplies_per_output
    assert program.multiplies_per_step == 256 + 1
    assert program.multiplies_per_output == 212 * 256 + 10 * 212
    assert ours <= 1_200_000
    assert 784 * sum(dense_multiplies(layer) for layer in net.layers) > 80_000_000


def test_the_same_network_gives_the_same_program() -> None:
    net = network(lmu(rng(1), 2, kind="gru", terms=TERMS), cell(rng(2), "dense", 3, 4))
    assert design(net).program.digest == design(net).program.digest


# corners


def checked(net: FloatNetwork, widths: Widths = WIDE, **options: Any) -> QuantizedNetwork:
    """Quantize, and run what came out on data beyond those seen."""
    made = design(net, widths, **options)
    x = words(made, 3.0 * sequences(net, 20)[0])
    assert Interpreter(made.program).run(x[:, None]).shape[0] == 20
    return made


def test_a_network_without_a_memory_is_refused() -> None:
    with pytest.raises(SpecError, match="must have a layer with state"):
        design(network(cell(rng(1), "dense", 2, 3)))


def test_one_coefficient_one_unit_one_channel() -> None:
    for kind in (None, *CELLS):
        memory = LinearMemory(order=1, theta=1.0)
        checked(network(lmu(rng(1), 1, kind=kind, n=1, terms=TERMS, memory=memory)))


def test_many_channels() -> None:
    memory = LinearMemory(order=2, theta=9.0, channels=64)
    made = checked(network(lmu(rng(1), 64, terms=(), memory=memory)))
    assert made.program.multiplies_per_step == 64 * (2 + 4)


@pytest.mark.parametrize("theta", [1e-3, 0.1, 1.0, 3e4])
@pytest.mark.parametrize("order", [1, 2, 5])
def test_windows_of_any_length(order: int, theta: float) -> None:
    memory = LinearMemory(order=order, theta=theta, channels=2)
    checked(network(lmu(rng(1), 1, kind="dense", memory=memory)))


def test_weights_of_zero() -> None:
    zero = DenseLayer(W=np.zeros((3, 3)), b=np.zeros(3), activation=TANH)
    layer = LMULayer(
        memory=LinearMemory(order=3, theta=5.0), n_in=2, e_x=np.zeros((1, 2)), cell=zero
    )
    head = DenseLayer(W=np.zeros((2, 3)), b=np.zeros(2), activation=Activation.SOFTMAX)
    made = checked(network(layer, head))
    assert np.all(integers(made, sequences(network(layer, head))[0]) == 0.5)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_data_that_never_change(value: float) -> None:
    net = network(lmu(rng(1), 2, kind="lstm", terms=TERMS), cell(rng(2), "dense", 3, 2))
    data = [np.full((20, 2), value)]
    assert difference(net, WIDE, data) <= 1e-2


def test_a_single_step_is_data_too() -> None:
    net = network(lmu(rng(1), 2, kind="dense"))
    assert difference(net, WIDE, [np.ones((1, 2))]) <= 1e-3


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_trained_memories(order: int) -> None:
    for terms in ((), TERMS):
        memory = LinearMemory(
            order=order, theta=9.0, channels=2, trained=trained(rng(order), order)
        )
        assert difference(network(lmu(rng(1), 2, terms=terms, memory=memory)), WIDE) <= 0.01


def test_a_memory_that_hardly_forgets_is_refused_at_once() -> None:
    system = trained(rng(1), 1)
    slow = replace(system, A=np.array([[-1e-9]]))
    memory = LinearMemory(order=1, theta=9.0, trained=slow)
    with pytest.raises(SpecError, match=r"must decay within 2\*\*22 steps"):
        design(network(lmu(rng(1), 1, terms=(), memory=memory)))


def test_layers_of_any_name() -> None:
    net = replace(network(lmu(rng(1), 2), cell(rng(2), "dense", 6, 2)), names=("*/ \u4e2d", "\\"))
    assert all("*/" not in v.about for v in checked(net).program.vectors)


@pytest.mark.parametrize("peak", [1e-300, 1e-40, 1e-9, 1e12])
def test_data_of_any_size(peak: float) -> None:
    net = network(lmu(rng(1), 2, kind="dense", activation=LINEAR), cell(rng(2), "lstm", 3, 2))
    y = difference(net, WIDE, sequences(net, peak=peak))
    assert y <= 0.02


def test_data_beyond_all_reason_are_refused() -> None:
    net = network(lmu(rng(1), 2, kind="dense", activation=LINEAR))
    with pytest.raises(SpecError, match=r"x reaches 9\..*e\+29 but must stay below 1.84e\+19"):
        design(net, WIDE, sequences(net, peak=1e30))
    huge = network(*net.layers, replace(cell(rng(2), "dense", 3, 2), W=1e25 * np.ones((2, 3))))
    with pytest.raises(SpecError, match="scale the weights"):
        design(huge)


def test_the_narrowest_widths_of_all() -> None:
    net = network(lmu(rng(1), 2, kind="gru", terms=TERMS), cell(rng(2), "dense", 3, 2))
    narrow = Widths(weight_bits=2, act_bits=4, coef_bits=4, state_bits=8, input_bits=4)
    made = checked(net, narrow)
    assert made.widths == narrow
    assert {made.program.vector(f"l1_z_{end}").fmt.width for end in ("inner", "outer")} == {8}


def test_widths_out_of_range_are_named() -> None:
    for name, bits in (("weight_bits", 1), ("act_bits", 17), ("coef_bits", 3), ("state_bits", 33)):
        with pytest.raises(SpecError, match=f"{name} must be"):
            Widths(**{name: bits})
    with pytest.raises(SpecError, match="weight_bits must be"):
        Widths(layer_weight_bits=(8, 1))


def test_scores_are_what_a_softmax_makes_probabilities_of() -> None:
    net = network(cell(rng(1), "gru", 2, 3), cell(rng(2), "dense", 3, 4, Activation.SOFTMAX))
    x = sequences(net)[0][None]
    probabilities = forward.activate(Activation.SOFTMAX, forward.run(scores(net), x))
    np.testing.assert_allclose(probabilities, forward.run(net, x), atol=1e-15)
    made = design(net)
    y, label = made.program.vector("y"), made.program.vector("label")
    out = Interpreter(made.program).run(words(made, x[0])[:, None])[:, 0]
    np.testing.assert_array_equal(out[:, y.length], np.argmax(out[:, : y.length], axis=1))
    assert label.fmt == QFormat(2, 0, signed=False)
