"""Trained models from the files that other projects write: one reader a format.

Nothing is unpickled or executed, and every size is checked before it is believed.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelFileError, SpecError, UnstableError, plain
from ..network import Dense, Network
from ..spec import Discretizer
from . import paper, torch_names
from .arrays import TORCH, natural, read_arrays
from .hdf5 import CONFIG, read_hdf5
from .keras import read_keras, read_legacy, read_weights
from .keras_builder import Given
from .model_file import is_model_file, read_model

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
) -> Network:
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

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or of no known format.
    """
    try:
        return _read(path, spec, theta, discretizer)
    except (SpecError, UnstableError, ModelFileError) as error:
        if any(plain(str(each)) in str(error) for each in (path, spec) if each is not None):
            raise
        raise ModelFileError(f"{path}: {error}") from error


def _read(
    path: Path, spec: Path | None, theta: float | None, discretizer: Discretizer | None
) -> Network:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {what}; give a model file")
    bare = path.suffix in (*ARRAYS, *HDF5) and not path.name.endswith(".weights.h5")
    if (theta is not None or discretizer is not None) and (
        not bare or (path.suffix == ".npz" and is_model_file(path))
    ):
        raise ModelFileError(
            f"{path} says its own theta and discretizer; --theta and --discretizer are for files "
            "of bare arrays (--dt-ratio changes the sample rate)"
        )
    given = Given(theta=theta, discretizer=discretizer)
    if path.name.endswith(".weights.h5") or (spec is not None and path.suffix in HDF5):
        if spec is None:
            raise ModelFileError(
                f"{path} holds weights alone: give the model's configuration with --spec, as "
                "model.to_json() returns it, or its .keras file"
            )
        return read_weights(path, spec, given)
    if path.suffix == ".keras":
        return read_keras(path)
    if path.suffix in HDF5:
        file = read_hdf5(path, str(path))
        # arrays alone decide only where the file says no more
        if CONFIG not in file.texts and paper.is_paper(file.arrays):
            ordered = dict(sorted(file.arrays.items(), key=lambda item: natural(item[0])))
            network = paper.network_of(ordered, theta=theta, discretizer=discretizer)
            if sum(isinstance(layer, Dense) for layer in network.layers) > 1:
                raise ModelFileError(
                    f"{path} has several dense layers, of whose activations its arrays say nothing"
                )
            return network
        return read_legacy(file, path, given)
    if path.suffix == ".npz" and is_model_file(path):
        return read_model(path)
    if path.suffix in ARRAYS:
        return torch_names.network_of(read_arrays(path), theta=theta, discretizer=discretizer)
    raise ModelFileError(f"{path} must be one of .keras, {', '.join(HDF5)}, {', '.join(ARRAYS)}")
