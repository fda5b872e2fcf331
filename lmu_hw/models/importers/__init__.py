"""Read trained models from the files of other projects: one module for each format.

Nothing is unpickled or executed, and every size is checked before memory is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import ModelFileError, SpecError, UnstableError, plain
from ...memory.spec import Discretizer
from ..network import Activation, FloatNetwork
from . import paper
from .array_network import network_of
from .bare_arrays import TORCH_SUFFIXES, natural_key, read_arrays
from .hdf5 import CONFIG, read_hdf5
from .keras_model import read_keras, read_legacy, read_weights
from .model_file import is_model_file, read_model
from .named_arrays import ImportOptions

HDF5_SUFFIXES = (".h5", ".hdf5")
ARRAY_SUFFIXES = (".npz", ".safetensors", *TORCH_SUFFIXES)


def is_model(path: Path) -> bool:
    """Return whether a file name has the suffix of a trained model."""
    return path.suffix in (".keras", *HDF5_SUFFIXES, *ARRAY_SUFFIXES)


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
    """Return the network in a model file.

    Parameters
    ----------
    path : Path
        A .keras, .h5, .hdf5, .weights.h5, .npz, .safetensors or PyTorch file.
    spec : Path, optional
        Configuration of the model, if the file holds weights only.
    theta : float, optional
        Window length [samples], if the file does not state it. Default: identified from the stored
        matrices.
    discretizer : Discretizer, optional
        Discretization, if the file does not state it. Default: identified from the stored matrices.
    activation : Activation, optional
        Activation of the cells in a file of bare arrays. Default: tanh.
    activations : sequence of Activation, optional
        Activation of each dense layer in a file of bare arrays, in layer order. Default: linear,
        provided that there is a single dense layer.
    note : callable
        Receives messages for the user, such as the assumptions that the importer made.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or of no known format.
    """
    notes: list[str] = []
    options = ImportOptions(
        theta=theta,
        discretizer=discretizer,
        activation=activation,
        activations=None if activations is None else tuple(activations),
        note=notes.append,
    )
    try:
        network = _read(path, spec, options)
    except (SpecError, UnstableError, ModelFileError) as error:
        if any(plain(str(each)) in str(error) for each in (path, spec) if each is not None):
            raise
        raise ModelFileError(f"{path}: {error}") from error
    # notes are dropped on failure: an error prints one line only
    for text in notes:
        note(text)
    return network


def _read(path: Path, spec: Path | None, options: ImportOptions) -> FloatNetwork:
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {what}; give a model file")
    bare = path.suffix in (*ARRAY_SUFFIXES, *HDF5_SUFFIXES) and not path.name.endswith(
        ".weights.h5"
    )
    if options.flags and (not bare or (path.suffix == ".npz" and is_model_file(path))):
        raise ModelFileError(
            f"{path} states its own theta, discretizer and activations; leave out "
            f"{', '.join(options.flags)}: only for files of bare arrays "
            "(--dt-ratio changes the sample rate)"
        )
    if path.name.endswith(".weights.h5") or (spec is not None and path.suffix in HDF5_SUFFIXES):
        if spec is None:
            raise ModelFileError(
                f"{path} holds weights only: give the model's configuration with --spec, as "
                "model.to_json() returns it, or its .keras file"
            )
        return read_weights(path, spec, _config_options(path, options))
    if path.suffix == ".keras":
        return read_keras(path)
    if path.suffix in HDF5_SUFFIXES:
        file = read_hdf5(path, str(path))
        # a stored configuration takes precedence over the names of the arrays
        if CONFIG not in file.texts and paper.is_paper(file.arrays):
            ordered = dict(sorted(file.arrays.items(), key=lambda item: natural_key(item[0])))
            return network_of(ordered, options, in_order=False)
        return read_legacy(file, path, _config_options(path, options))
    if path.suffix == ".npz" and is_model_file(path):
        return read_model(path)
    if path.suffix in ARRAY_SUFFIXES:
        arrays = read_arrays(path)
        # sorted names, as in .safetensors, do not tell the order of the layers
        in_order = path.suffix in TORCH_SUFFIXES or list(arrays) not in (
            sorted(arrays),
            sorted(arrays, key=natural_key),
        )
        return network_of(arrays, options, in_order=in_order)
    raise ModelFileError(
        f"{path} must be one of .keras, {', '.join(HDF5_SUFFIXES)}, {', '.join(ARRAY_SUFFIXES)}"
    )


def _config_options(path: Path, options: ImportOptions) -> ImportOptions:
    """Return the options if they are valid for a file with a configuration."""
    if options.activations is not None:
        raise ModelFileError(
            f"{path} has a configuration, which states the activations of its layers: leave out "
            "--activations"
        )
    return ImportOptions(
        theta=options.theta, discretizer=options.discretizer, activation=options.activation
    )
