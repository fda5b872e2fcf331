"""Trained models from the files that other projects write: one reader a format.

Nothing is unpickled or executed, and every size is checked before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import ModelFileError, SpecError, UnstableError, plain
from ...memory.spec import Discretizer
from ..network import Activation, FloatNetwork
from . import paper
from .array_network import network_of
from .bare_arrays import TORCH, natural, read_arrays
from .hdf5 import CONFIG, read_hdf5
from .keras_builder import Given
from .keras_model import read_keras, read_legacy, read_weights
from .model_file import is_model_file, read_model
from .named_arrays import Asked

HDF5 = (".h5", ".hdf5")
ARRAYS = (".npz", ".safetensors", *TORCH)


def is_model(path: Path) -> bool:
    """Return whether a file's name is that of a trained model."""
    return path.suffix in (".keras", *HDF5, *ARRAYS)


def load(
    path: Path,
    *,
    spec: Path | None = None,
    theta: float | None = None,
    discretizer: Discretizer | None = None,
    activation: Activation | None = None,
    activations: Sequence[Activation] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> FloatNetwork:
    """Return the network in a file, whoever wrote it.

    Parameters
    ----------
    path : Path
        A .keras, .h5, .hdf5, .weights.h5, .npz, .safetensors or PyTorch file.
    spec : Path, optional
        Configuration of a model whose file holds weights alone.
    theta : float, optional
        Window [samples], where the file does not say; found from its matrices otherwise.
    discretizer : Discretizer, optional
        The same.
    activation : Activation, optional
        Of the cells of a file of bare arrays. Default: tanh.
    activations : sequence of Activation, optional
        Of its linear layers, in their order. Default: linear, where there is but one.
    note : callable
        Takes what a user should know of how the file was read, such as what was assumed.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or of no known format.
    """
    notes: list[str] = []
    asked = Asked(
        theta=theta,
        discretizer=discretizer,
        activation=activation,
        activations=None if activations is None else tuple(activations),
        note=notes.append,
    )
    try:
        network = _read(path, spec, asked)
    except (SpecError, UnstableError, ModelFileError) as error:
        if any(plain(str(each)) in str(error) for each in (path, spec) if each is not None):
            raise
        raise ModelFileError(f"{path}: {error}") from error
    # an error says but one line
    for text in notes:
        note(text)
    return network


def _read(path: Path, spec: Path | None, asked: Asked) -> FloatNetwork:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {what}; give a model file")
    bare = path.suffix in (*ARRAYS, *HDF5) and not path.name.endswith(".weights.h5")
    if asked.options and (not bare or (path.suffix == ".npz" and is_model_file(path))):
        raise ModelFileError(
            f"{path} says its own theta and discretizer, and its functions; "
            f"{', '.join(asked.options)} must be left out: for files of bare arrays alone "
            "(--dt-ratio changes the sample rate)"
        )
    if path.name.endswith(".weights.h5") or (spec is not None and path.suffix in HDF5):
        if spec is None:
            raise ModelFileError(
                f"{path} holds weights alone: give the model's configuration with --spec, as "
                "model.to_json() returns it, or its .keras file"
            )
        return read_weights(path, spec, _given(path, asked))
    if path.suffix == ".keras":
        return read_keras(path)
    if path.suffix in HDF5:
        file = read_hdf5(path, str(path))
        # arrays alone decide only where the file says no more
        if CONFIG not in file.texts and paper.is_paper(file.arrays):
            ordered = dict(sorted(file.arrays.items(), key=lambda item: natural(item[0])))
            return network_of(ordered, asked, in_order=False)
        return read_legacy(file, path, _given(path, asked))
    if path.suffix == ".npz" and is_model_file(path):
        return read_model(path)
    if path.suffix in ARRAYS:
        arrays = read_arrays(path)
        # names that somebody has sorted, as .safetensors does, have lost the order of the layers
        in_order = path.suffix in TORCH or list(arrays) not in (
            sorted(arrays),
            sorted(arrays, key=natural),
        )
        return network_of(arrays, asked, in_order=in_order)
    raise ModelFileError(f"{path} must be one of .keras, {', '.join(HDF5)}, {', '.join(ARRAYS)}")


def _given(path: Path, asked: Asked) -> Given:
    """Return what the user may say beside a configuration, which says the rest."""
    if asked.activations is not None:
        raise ModelFileError(
            f"{path} has a configuration, which says the functions of its layers: leave out "
            "--activations"
        )
    return Given(theta=asked.theta, discretizer=asked.discretizer, activation=asked.activation)
