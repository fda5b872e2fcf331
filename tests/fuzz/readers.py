"""Every reader of files or options: valid inputs, how to damage them, and the call."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from lmu_hw.cli import channel_options, command_line, main
from lmu_hw.errors import LMUHWError, SpecError
from lmu_hw.generate import files_of
from lmu_hw.measure import dataset, signal_files
from lmu_hw.memory import spec
from lmu_hw.memory.spec import parse
from lmu_hw.models import importers
from lmu_hw.models.importers.model_file import read_ranges, to_bytes
from lmu_hw.models.network import FloatNetwork
from lmu_hw.program.integer_program import Channel, from_json
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.proof import certificate
from lmu_hw.quantize import network_summary
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.rtl import options
from lmu_hw.verify import load_build, verification
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import LABELLED, PROGRAMS, random_inputs
from tests.fuzz import containers
from tests.fuzz.commands import HERE, damaged_line
from tests.fuzz.mutate import Tree, damaged_bytes, damaged_text, hostile, json_bytes

Files = dict[str, bytes]
"""Files in the directory that is read, by name."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Something that reads.

    Attributes
    ----------
    name : str
    share : int
        Of all inputs.
    make : callable
        Returns the damaged input that a seed stands for.
    read : callable
        Reads it from a directory; an `LMUHWError` counts as success.
    """

    name: str
    share: int
    make: Callable[[Random], Files]
    read: Callable[[Path], object]


# Specifications and options.

SPECS: tuple[dict[str, Any], ...] = (
    {"d": 6, "theta": 40.0, "bits": 16, "discretizer": "zoh", "realization": "cascade"},
    {"order": 3, "output": "taps=0,0.5,1", "channels": 2, "name": "gyro", "lanes": 2},
    {"d": 4, "taps": [0, 0.25, 1.0], "coef_bits": 8, "weight_bits": 9, "state_bits": 20},
    {"d": 2, "output": "state", "streams": "axi", "state_port": True, "bits": 8},
    {"d": 2, "channels": 2, "input_scale": [0.5, 2], "input_names": "a,b", "output_units": "mV"},
)


def _spec_json(rng: Random) -> Files:
    return {"spec.json": json_bytes(rng, _spec_trees()[rng.randrange(len(SPECS))].damaged(rng))}


@cache
def _spec_trees() -> list[Tree]:
    return [Tree(keys) for keys in SPECS]


def _toml(rng: Random) -> Files:
    keys = dict(SPECS[rng.randrange(len(SPECS))])
    if rng.random() < 0.6:
        keys[rng.choice([*keys, "x", "d", "taps", "a.b"])] = hostile(rng)
    lines = "\n".join(f"{key} = {_toml_value(value)}" for key, value in keys.items())
    content = lines.encode("utf-8", "surrogatepass")
    return {"spec.toml": damaged_text(rng, content) if rng.random() < 0.5 else content}


def _toml_value(value: Any) -> str:
    return "inf" if value == float("inf") else json.dumps(value)


def _read_spec(path: Path) -> None:
    data = spec.load(path)
    chosen = options.chosen({}, data)
    units = channel_options.chosen({}, data)
    made = parse(data, extra_keys=(*chosen.to_data(), *units))
    made.describe()
    channel_options.channels(units, "input", made.channels, None)


def _line(rng: Random) -> Files:
    words = damaged_line(rng)
    files = {"argv.json": json.dumps(words).encode()}
    return {**_around(), **files} if any(HERE in word for word in words) else files


@cache
def _around() -> Files:
    """Return what a command line may name: a build directory, a model, its data, a request."""
    data = [(f"{name}.npy", containers.npy(array)) for name, array in DATA[0].items()]
    return {
        **_build_files()[0],
        "model.npz": to_bytes(_network()),
        "data.npz": containers.zipped(data),
        "spec.json": json.dumps(SPECS[0]).encode(),
    }


def _read_line(build_dir: Path) -> None:
    """Run a command line up to where work begins."""
    words = json.loads((build_dir / "argv.json").read_text())
    words = [
        str(build_dir) + word.removeprefix(HERE) if HERE in word[:1] else word for word in words
    ]
    with _without_work():
        code = main.main(words)
    if code not in (0, 1, 2, 3):
        raise AssertionError(f"exit code {code}")


_parser = cache(command_line.parser)


@contextlib.contextmanager
def _without_work() -> Iterator[None]:
    stop = mock.Mock(side_effect=SpecError("enough"))
    with contextlib.ExitStack() as stack:
        # the same every time, and slow to build
        stack.enter_context(mock.patch("lmu_hw.cli.command_line.parser", _parser))
        for place in (
            "lmu_hw.quantize.quantize_memory.quantize_memory",
            "lmu_hw.verify.verification.verify",
            "lmu_hw.measure.tune.Tuner",
        ):
            stack.enter_context(mock.patch(place, stop))
        for place in (
            "lmu_hw.quantize.calibration.Calibration",
            "lmu_hw.measure.simulate.simulate",
        ):
            stack.enter_context(mock.patch(place, stop))
        for place in ("lmu_hw.measure.synthesis.flow.synth", "lmu_hw.cli.tool_checks.checks"):
            stack.enter_context(mock.patch(place, stop))
        for place in (
            "lmu_hw.measure.footprint.footprint_report.footprint",
            "lmu_hw._support.build_directory.write_file",
        ):
            stack.enter_context(mock.patch(place, stop))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        errors = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        try:
            yield
        except SystemExit as end:  # --help, --version
            if end.code:
                raise
        said = errors.getvalue().splitlines()
        if len(said) > 1 and not said[0].startswith("usage:"):
            raise AssertionError(f"more than a line: {said!r}")


def _generate(rng: Random) -> Files:
    keys: dict[str, Any] = {"d": rng.randrange(1, 9), "bits": rng.randrange(4, 25)}
    keys["theta"] = round(rng.uniform(0.5, 60), rng.randrange(4))
    choices: dict[str, tuple[Any, ...]] = {
        "discretizer": ("zoh", "euler", "bilinear"),
        "realization": ("auto", "cascade", "dense"),
        "output": ("memory", "state", "taps=0,0.5,1", "taps=0.3"),
        "channels": (1, 2, 5),
        "coef_bits": tuple(range(4, 25)),
        "weight_bits": tuple(range(4, 25)),
        "state_bits": tuple(range(4, 49)),
        "lanes": (1, 2, 7),
        "streams": ("plain", "axi"),
        "state_port": (True, False),
    }
    for name, values in choices.items():
        if rng.random() < 0.35:
            keys[name] = rng.choice(values)
    return {"spec.json": json.dumps(keys).encode()}


def _read_generate(build_dir: Path) -> None:
    """Make all texts of the build directory of a specification, without writing files."""
    data = spec.load(build_dir / "spec.json")
    chosen = options.chosen({}, data)
    channel_options.chosen({}, data)
    files_of(quantize_memory(parse(data)), chosen)


# Programs and build directories.


@cache
def _programs() -> list[Tree]:
    names = ("one_real", "mixed", "readout", "dense_channels", "channels")
    chosen = [LABELLED, *(PROGRAMS[n] for n in names)]
    chosen += [NETWORKS[n] for n in ("lmu_every_3", "gates", "order_on_demand")]
    return [Tree(json.loads(p.to_json())) for p in chosen]


def _program(rng: Random) -> Files:
    data = rng.choice(_programs()).damaged(rng)
    if isinstance(data, dict) and rng.random() < 0.8:
        data = _signed(data)
    return {"program.json": json_bytes(rng, data)}


def _signed(data: dict[str, Any]) -> dict[str, Any]:
    """Return a damaged program with the digest that it asks for."""
    body = {key: value for key, value in data.items() if key != "digest"}
    try:
        compact = json.dumps(body, separators=(",", ":"))
        return {**body, "digest": hashlib.sha256(compact.encode()).hexdigest()}
    except (RecursionError, ValueError):
        return data


def _read_program(build_dir: Path) -> None:
    """Read a program; what is one must run."""
    text = (build_dir / "program.json").read_bytes().decode("utf-8", "replace")
    program = from_json(text)
    if sum(v.length for v in program.vectors) > 10_000:
        return
    rng = np.random.default_rng(0)
    inputs = random_inputs(program, rng, (3,))[:, None]
    Interpreter(program).run(inputs)


@cache
def _build_files() -> tuple[Files, dict[str, Tree]]:
    design = quantize_memory(parse({"d": 2, "theta": 4.0, "bits": 8, "channels": 2}))
    files = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files_of(design, options.Hardware()).items()
    }
    wanted = ("manifest.json", "program.json", "certificate.json", "rtl/schedule.json")
    small = {name: files[name] for name in wanted}
    return small, {name: Tree(json.loads(content)) for name, content in small.items()}


def _design(rng: Random) -> Files:
    files, trees = _build_files()
    name = rng.choice([*files, "program.json", "certificate.json"])
    data = trees[name].damaged(rng)
    if name == "program.json" and isinstance(data, dict):
        data = _signed(data)
    changed = {**files, name: json_bytes(rng, data)}
    if name == "program.json" and isinstance(data, dict) and rng.random() < 0.8:
        for other in ("manifest.json", "certificate.json"):
            named = {**trees[other].value, "digest": data.get("digest")}
            changed[other] = json_bytes(rng, named)
    return changed


def _read_certify(build_dir: Path) -> None:
    str(certificate.certify(build_dir))


def _read_verify(build_dir: Path) -> None:
    program = verification.load_program(build_dir)
    verification.check_manifest(build_dir, program)
    verification.edited(build_dir)
    load_build.hardware_of(build_dir)
    load_build.plan_of(build_dir, program)


# Signals and data sets.

RNG = np.random.default_rng(1)


def _csv(rng: Random) -> Files:
    content = rng.choice(CSV)
    change = damaged_text if rng.random() < 0.7 else damaged_bytes
    return {"s.csv": change(rng, content)}


CSV = (
    b"a,b\n1,2\n3,4\n5,6\n",
    b"# note\n0.5 -0.25\n1e-3 2\n\n7 8 # end\n",
    b"1,2\n-32768,32767\n" + b"3,4\n" * 20,
    b'"t","b"\n12:00,2\n\n12:01,4\n,\n12:02,6\n',
    "\ufeffx,y\r\n1,2\r\n3,4\r\n".encode(),
)


@cache
def _wavs() -> tuple[bytes, ...]:
    from scipy.io import wavfile

    found = []
    for dtype in (np.uint8, np.int16, np.int32, np.float32, np.float64):
        file = io.BytesIO()
        wavfile.write(file, 360, RNG.integers(0, 100, (20, 2)).astype(dtype))
        found.append(file.getvalue())
    narrow = bytearray(found[1])
    narrow[34:36] = (12).to_bytes(2, "little")
    return (*found, bytes(narrow))


def _wav(rng: Random) -> Files:
    return {"s.wav": damaged_bytes(rng, rng.choice(_wavs()))}


NPYS = (RNG.normal(size=(9, 2)), RNG.integers(-9, 9, (7, 2)), RNG.normal(size=20).astype("f4"))


def _npy(rng: Random) -> Files:
    return {"s.npy": containers.damaged_npy(rng, rng.choice(NPYS))}


def _read_signal(path: Path) -> None:
    for raw in (False, True):
        with contextlib.suppress(LMUHWError):
            signal_files.read_signal(path, columns=2, raw=raw)
        for select in ((2,), ("b",)):
            with contextlib.suppress(LMUHWError):
                signal_files.read_signal(path, columns=1, raw=raw, select=select)
    signal_files.read_signal(path, columns=1)


@cache
def _network() -> FloatNetwork:
    from tests.factories.networks import EVERY_KIND

    inputs = tuple(Channel(name=name, unit="mV", scale=0.5) for name in ("a", "b", ""))
    return replace(EVERY_KIND, inputs=inputs)


DATA: tuple[dict[str, np.ndarray], ...] = (
    {"x": RNG.normal(size=(4, 5, 3)), "y": np.array([0, 1, 1, 0])},
    {
        "x": RNG.normal(size=(12, 3)),
        "offset": np.array([0, 4, 9, 12]),
        "y": RNG.normal(size=(3, 2)),
    },
    {"x": RNG.normal(size=(4, 5, 3)), "y": RNG.normal(size=(4, 5, 2))},
)


def _npz(arrays: dict[str, np.ndarray], rng: Random) -> bytes:
    members = {f"{name}.npy": containers.npy(array) for name, array in arrays.items()}

    def damage(rng: Random, name: str) -> bytes:
        return containers.damaged_npy(rng, arrays[name.removesuffix(".npy")])

    return containers.damaged_zip(rng, members, damage)


def _data(rng: Random) -> Files:
    return {"d.npz": _npz(rng.choice(DATA), rng)}


def _read_data(build_dir: Path) -> None:
    for raw in (False, True):
        with contextlib.suppress(LMUHWError):
            dataset.load_recordings(build_dir / "d.npz", _network().n_in, raw=raw)
    found = dataset.load_dataset(build_dir / "d.npz", _network())
    for at in found.sample(2).batches():
        found.stack(at)


# Trained models.


@cache
def _model() -> tuple[dict[str, np.ndarray], Tree]:
    with np.load(io.BytesIO(to_bytes(_network(), {"x": (1.0, np.ones(2))}))) as file:
        members = dict(file)
    return members, Tree(json.loads(members["model"].tobytes()))


def _neutral(rng: Random) -> Files:
    members, tree = _model()
    if rng.random() < 0.5:
        text = json_bytes(rng, tree.damaged(rng))
        # the description still says what kind of file this is
        members = {**members, "model": np.frombuffer(text, dtype=np.uint8)}
        whole = [(f"{name}.npy", containers.npy(array)) for name, array in members.items()]
        return {"m.npz": containers.zipped(whole)}
    return {"m.npz": _npz(members, rng)}


@cache
def _bare() -> dict[str, np.ndarray]:
    from tests.factories.paper_cell import keras, maths

    return keras(maths())


@cache
def _bare_files() -> tuple[dict[str, np.ndarray], ...]:
    """Return one network under every kind of names."""
    from tests.factories.paper_cell import maths, prefixed
    from tests.models.importers.test_array_names import HEAD, cyanide_model
    from tests.models.importers.test_nengo_names import LETTERS, example

    rng, nengo = np.random.default_rng(0), example(7, 5, 2, 3)
    gru = {"weight_ih": (15, 2), "weight_hh": (15, 5), "bias_ih": (15,), "bias_hh": (15,)}
    lstm = {"kernel": (5, 20), "recurrent_kernel": (5, 20), "bias": (20,)}
    return (
        prefixed(_bare(), "cell/{}"),
        prefixed(maths(), "cell/{}"),
        cyanide_model()[0],
        {f"arr_{k}": nengo[letter] for k, letter in enumerate(LETTERS)},
        {f"0.{name}_l0": rng.uniform(-1.0, 1.0, shape) for name, shape in gru.items()}
        | {f"1.{name}": rng.uniform(-1.0, 1.0, shape) for name, shape in lstm.items()}
        | prefixed(HEAD, "2.{}"),
    )


def _bare_npz(rng: Random) -> Files:
    return {"m.npz": _npz(rng.choice(_bare_files()), rng)}


@cache
def _tensors() -> tuple[Tree, bytes]:
    from tests.factories.paper_cell import maths

    header, body = containers.safetensors({f"cell.{n}": a for n, a in maths().items()})
    return Tree(header), body


def _safetensors(rng: Random) -> Files:
    return {"m.safetensors": containers.damaged_safetensors(rng, *_tensors())}


def _torch(rng: Random) -> Files:
    from tests.factories.paper_cell import maths

    return {"m.pt": containers.damaged_checkpoint(rng, maths())}


class _Keras(NamedTuple):
    """A model of Keras.

    Its configuration, its arrays by their places in a .weights.h5, and places in a legacy .h5.
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    places: tuple[str, ...]
    tree: Tree
    file: bytes


@cache
def _keras() -> tuple[_Keras, ...]:
    """Return models with each kind of hidden cell, and a Functional one."""
    from tests.factories import keras_files as kf

    found = []
    for kind, gates, more in (
        ("SimpleRNN", 1, {"activation": "tanh"}),
        ("LSTM", 4, {"activation": "tanh", "recurrent_activation": "sigmoid"}),
        ("GRU", 3, {"activation": "tanh", "reset_after": True}),
        ("Dense", 1, {"activation": "relu"}),
    ):
        cell = kf.layer(f"{kind}Cell" if kind != "Dense" else kind, "cell", units=3, **more)
        make = kf.functional if kind == "LSTM" else kf.sequential
        config = make(
            kf.layer("Rescaling", "half", scale=0.5, offset=[0.1, 0.2]),
            kf.lmu("lmu", cell),
            kf.layer("BatchNormalization", "norm", axis=-1, epsilon=0.001),
            kf.layer("Dense", "out", units=2, activation="softmax"),
            width=2,
        )
        n, a = 3 * gates, RNG.uniform(-0.4, 0.4, 200)
        arrays = {"kernel": a[:2].reshape(2, 1), "hidden_cell/kernel": a[: 4 * n].reshape(4, n)}
        if kind != "Dense":
            arrays["hidden_cell/recurrent_kernel"] = a[: 3 * n].reshape(3, n)
        bias = a[: 2 * n].reshape(2, n) if kind == "GRU" else a[:n]
        arrays["hidden_cell/bias"] = bias
        numbers = [f"hidden_cell/vars/{k}" for k in range(len(arrays) - 1)]
        weights = {
            f"layers/lmu/layer/cell/{name}": array
            for name, array in zip(["vars/0", *numbers], arrays.values(), strict=True)
        }
        for k in range(4):
            weights[f"layers/batch_normalization/vars/{k}"] = np.abs(a[3 * k : 3 * k + 3])
        weights["layers/dense/vars/0"] = a[:6].reshape(3, 2)
        weights["layers/dense/vars/1"] = a[:2]
        weights = {name: array.astype("f4") for name, array in weights.items()}
        places = [f"model_weights/lmu/lmu/{name.replace('hidden_', '')}" for name in arrays]
        norms = ("gamma", "beta", "moving_mean", "moving_variance")
        places += [f"model_weights/norm/norm/{name}" for name in norms]
        places += ["model_weights/out/out/kernel", "model_weights/out/out/bias"]
        file = containers.hdf5(weights, {})
        found.append(_Keras(config, weights, tuple(places), Tree(config), file))
    return tuple(found)


def _keras_file(rng: Random) -> Files:
    model = rng.choice(_keras())
    if rng.random() < 0.5:
        members = {"config.json": json_bytes(rng, model.tree.damaged(rng))}
        members["model.weights.h5"] = model.file
        return {"m.keras": containers.zipped(list(members.items()))}
    members = {"config.json": json.dumps(model.config).encode(), "model.weights.h5": model.file}

    def damage(rng: Random, name: str) -> bytes:
        if name == "config.json":
            return json_bytes(rng, model.tree.damaged(rng))
        return containers.hdf5(model.weights, {}, rng)

    return {"m.keras": containers.damaged_zip(rng, members, damage)}


def _weights_file(rng: Random) -> Files:
    model = rng.choice(_keras())
    if rng.random() < 0.3:
        return {"c.json": json_bytes(rng, model.tree.damaged(rng)), "m.weights.h5": model.file}
    return {
        "c.json": json.dumps(model.config).encode(),
        "m.weights.h5": containers.hdf5(model.weights, {}, rng),
    }


def _legacy(rng: Random) -> Files:
    model = rng.choice(_keras())
    if rng.random() < 0.3:
        arrays = {f"rnn/cell/{name}:0": array for name, array in _bare().items()}
        if rng.random() < 0.5:
            return {"m.h5": containers.hdf5(arrays, {}, rng)}
        text = containers.described(rng, _paper())
        attributes = {"keras_version": "2.3.1", "model_config": text.encode("ascii", "replace")}
        return {"m.h5": containers.hdf5(arrays, attributes)}
    arrays = dict(zip(model.places, model.weights.values(), strict=True))
    text = containers.described(rng, model.tree) if rng.random() < 0.4 else json.dumps(model.config)
    attributes = {"keras_version": "3.9.0", "model_config": text.encode("ascii", "replace")[:60000]}
    return {"m.h5": containers.hdf5(arrays, attributes, None if rng.random() < 0.3 else rng)}


@cache
def _paper() -> Tree:
    """Return the configuration of the paper's cell, as its first keras-lmu stated it."""
    cell = {"order": 4, "units": 5, "theta": 12.0, "hidden_activation": "tanh", "method": "zoh"}
    wrapped = {"name": "rnn", "cell": {"class_name": "LMUCell", "config": cell}}
    return Tree({"class_name": "Sequential", "config": [{"class_name": "RNN", "config": wrapped}]})


def _read_model(path: Path, spec: str | None = None) -> None:
    network = importers.load(path, spec=path.with_name(spec) if spec else None)
    str(network_summary.report(network, 360.0))
    read_ranges(path)


def _file(name: str, read: Callable[..., object], *args: Any) -> Callable[[Path], object]:
    return lambda build_dir: read(build_dir / name, *args)


READERS: dict[str, Reader] = {
    r.name: r
    for r in (
        Reader(name="options", share=700, make=_line, read=_read_line),
        Reader(name="spec.json", share=1900, make=_spec_json, read=_file("spec.json", _read_spec)),
        Reader(name="spec.toml", share=1900, make=_toml, read=_file("spec.toml", _read_spec)),
        Reader(name="program", share=1300, make=_program, read=_read_program),
        Reader(name="certify", share=80, make=_design, read=_read_certify),
        Reader(name="verify", share=120, make=_design, read=_read_verify),
        Reader(name="csv", share=1500, make=_csv, read=_file("s.csv", _read_signal)),
        Reader(name="wav", share=1200, make=_wav, read=_file("s.wav", _read_signal)),
        Reader(name="npy", share=700, make=_npy, read=_file("s.npy", _read_signal)),
        Reader(name="data", share=120, make=_data, read=_read_data),
        Reader(name="model.npz", share=60, make=_neutral, read=_file("m.npz", _read_model)),
        Reader(name="arrays.npz", share=50, make=_bare_npz, read=_file("m.npz", _read_model)),
        Reader(
            name="safetensors",
            share=250,
            make=_safetensors,
            read=_file("m.safetensors", _read_model),
        ),
        Reader(name="pt", share=80, make=_torch, read=_file("m.pt", _read_model)),
        Reader(name="keras", share=90, make=_keras_file, read=_file("m.keras", _read_model)),
        Reader(
            name="weights.h5",
            share=90,
            make=_weights_file,
            read=_file("m.weights.h5", _read_model, "c.json"),
        ),
        Reader(name="h5", share=80, make=_legacy, read=_file("m.h5", _read_model)),
        Reader(name="generate", share=3, make=_generate, read=_read_generate),
    )
}
