"""Read Keras models: .keras, .weights.h5 with a configuration, and legacy .h5 files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ...errors import ModelFileError, read_error, reason_of
from ..network import FloatNetwork
from .bare_arrays import DAMAGE_ERRORS
from .hdf5 import CONFIG, MAX_BYTES, Hdf5File, read_hdf5
from .keras_builder import Builder
from .keras_config import MAX_JSON, parse_json
from .keras_weights import NamedWeights, NumberedWeights, weights_of
from .named_arrays import NO_OPTIONS, ImportOptions


def read_keras(path: Path) -> FloatNetwork:
    """Read a .keras archive.

    Raises
    ------
    ModelFileError
        If it is damaged, or holds something unsupported, which the message names.
    """
    config, metadata, weights = _members(path)
    file = read_hdf5(io.BytesIO(weights), f"{path}: model.weights.h5")
    model = parse_json(config, f"{path}: config.json")
    keras_3 = _is_keras_3(metadata, path)
    return Builder(str(path), NumberedWeights(file.arrays), keras_3=keras_3).network(model)


def read_weights(path: Path, spec: Path, options: ImportOptions = NO_OPTIONS) -> FloatNetwork:
    """Read a file of weights, given the configuration of its model.

    Parameters
    ----------
    path : Path
        A .weights.h5 file, or a legacy .h5 file.
    spec : Path
        The output of ``model.to_json()``, or a .keras file of the same model.
    options : ImportOptions

    Raises
    ------
    ModelFileError
    """
    if spec.suffix == ".keras":
        config, version, _ = _members(spec)
    else:
        try:
            with spec.open("rb") as stream:
                config = version = stream.read(MAX_JSON + 1).decode("utf-8")
        except OSError as error:
            raise read_error(spec, error) from error
        except UnicodeDecodeError as error:
            raise ModelFileError(
                f"{spec} is not a text file; give what model.to_json() returned"
            ) from error
    file = read_hdf5(path, str(path))
    model = parse_json(config, str(spec))
    keras_3 = _is_keras_3(version, spec)
    weights = weights_of(file.arrays)
    return Builder(str(path), weights, keras_3=keras_3, options=options).network(model)


def read_legacy(file: Hdf5File, path: Path, options: ImportOptions = NO_OPTIONS) -> FloatNetwork:
    """Return the model in a legacy .h5 or .hdf5 file that holds a configuration too.

    Parameters
    ----------
    file : Hdf5File
        The content of the file.
    path : Path
        Its path, for error messages.
    options : ImportOptions

    Raises
    ------
    ModelFileError
    """
    if CONFIG not in file.texts:
        raise ModelFileError(
            f"{path} holds weights only: give the model's configuration with --spec, as "
            "model.to_json() returns it"
        )
    model = parse_json(file.texts[CONFIG], f"{path}: {CONFIG}")
    keras_3 = not file.texts.get("keras_version", "2").startswith("2")
    weights = NamedWeights(file.arrays)
    return Builder(str(path), weights, keras_3=keras_3, options=options).network(model)


def _is_keras_3(text: str, path: Path) -> bool:
    """Return whether Keras 3 wrote the metadata or configuration in ``text``."""
    data = parse_json(text, f"{path}: metadata") if text else {}
    version = data.get("keras_version") if isinstance(data, dict) else None
    return not str(version).startswith("2")


def _members(path: Path) -> tuple[str, str, bytes]:
    """Return config.json and metadata.json as text, and the bytes of model.weights.h5."""
    try:
        with zipfile.ZipFile(path) as archive:
            held = set(archive.namelist())
            for name in ("config.json", "model.weights.h5"):
                if name not in held:
                    raise ModelFileError(f"{path} holds no {name}; must be a .keras file")

            def read(name: str, limit: int) -> bytes:
                with archive.open(name) as member:
                    content = member.read(limit + 1)
                if len(content) > limit:
                    raise ModelFileError(f"{path}: {name} is larger than any model's; not read")
                return content

            config = read("config.json", MAX_JSON).decode("utf-8")
            metadata = (
                read("metadata.json", MAX_JSON).decode("utf-8") if "metadata.json" in held else ""
            )
            return config, metadata, read("model.weights.h5", MAX_BYTES)
    except ModelFileError:
        raise
    except OSError as error:
        raise read_error(path, error) from error
    except DAMAGE_ERRORS as error:
        raise ModelFileError(
            f"{path} is a damaged .keras file ({reason_of(error)}); save it again"
        ) from error
