"""Read files of named arrays: NumPy's .npz, .safetensors, PyTorch checkpoints.

Every stated size is compared with the size of the file before memory is allocated; nothing is
unpickled.
"""

from __future__ import annotations

import importlib
import io
import lzma
import math
import re
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..._support.array_types import Array
from ...errors import LMUHWError, ModelFileError, ToolError, read_error, reason_of

MAX_BYTES = 1 << 28
"""Most bytes that the arrays of a file may take as float64."""
MAX_ARRAYS = 4096
"""Most arrays in a file."""
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt")
STATE_DICT_KEYS = ("state_dict", "model_state_dict", "model", "net")
"""Keys of a checkpoint that may hold the state_dict."""
DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    MemoryError,  # brackets nested too deep for the parser
    RuntimeError,  # encrypted, or an unknown compression
    SyntaxError,
    ValueError,
)


def read_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of a file by name, as float64, in the file's order.

    A .safetensors file has no order: its names are sorted, numbers in them by value. Complex arrays
    are skipped: they hold transforms of weights, never weights.

    Parameters
    ----------
    path : Path
        A .npz, .safetensors, .pt, .pth or .ckpt file.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too large or holds anything but numbers.
    ToolError
        If the package that reads the format is not installed.
    """
    try:
        if path.suffix == ".npz":
            arrays = read_npz(path)
            return {
                name: _exact_doubles(path, name, array)
                for name, array in arrays.items()
                if array.dtype.kind != "c"
            }
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        if path.suffix in TORCH_SUFFIXES:
            return _read_torch(path)
    except OSError as error:
        raise read_error(path, error) from error
    known = ", ".join((".npz", ".safetensors", *TORCH_SUFFIXES))
    raise ModelFileError(f"{path} must be one of {known}; save its arrays as .npz")


def read_npz(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Return the numeric arrays in a .npz file by name, in their stored types.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Limit of their total size as float64.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too large or holds anything but numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            claimed = sum(member.file_size for member in members)
            _check_total(path, len(members), claimed, max_bytes)
            arrays: dict[str, np.ndarray] = {}
            total = 0
            for member in members:
                name = member.filename.removesuffix(".npy")
                # zipfile reads no more than the size checked above
                arrays[name] = _parse_npy(path, name, archive.read(member))
                total += 8 * arrays[name].size
                _check_total(path, len(members), total, max_bytes)
    except OSError as error:
        raise read_error(path, error) from error
    except LMUHWError:
        raise
    except DAMAGE_ERRORS as error:
        raise _damaged(path, error, "numpy.savez") from error
    return arrays


def _parse_npy(path: Path, name: str, content: bytes) -> np.ndarray:
    """Return the array of a .npy file; its header is not trusted."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    with warnings.catch_warnings():
        # Python's parser warns about odd literals in a damaged header
        warnings.simplefilter("ignore")
        if version == (1, 0):
            header = np.lib.format.read_array_header_1_0(file)
        else:
            header = np.lib.format.read_array_header_2_0(file)
    shape, by_column, dtype = header
    if dtype.kind not in "biufc":
        raise ModelFileError(
            f"{path}: {name[:80]!r} must hold numbers, not {str(dtype)[:40]}; "
            "save plain float arrays with numpy.savez"
        )
    start = file.tell()
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(f"{name[:80]!r} is not as long as its header says")
    array: np.ndarray = np.ndarray(
        shape, dtype, buffer=content, offset=start, order="F" if by_column else "C"
    )
    return array


def _read_safetensors(path: Path) -> dict[str, Array]:
    package = _package("safetensors", f"{path} is a safetensors file")
    try:
        with package.safe_open(str(path), framework="numpy") as file:
            names = sorted(file.keys(), key=natural_key)
            heads = {name: file.get_slice(name) for name in names}
            sizes = [8 * math.prod(head.get_shape()) for head in heads.values()]
            _check_total(path, len(names), sum(sizes))
            arrays: dict[str, Array] = {}
            for name, head in heads.items():
                dtype = str(head.get_dtype())
                if dtype.startswith("C"):
                    continue
                if not re.fullmatch(r"BOOL|[IU]\d+|F(16|32|64)", dtype):
                    raise ModelFileError(
                        f"{path}: {name[:80]!r} is {dtype}; save it as float32 (tensor.float())"
                    )
                arrays[name] = _doubles(np.asarray(file.get_tensor(name)))
    except (package.SafetensorError, *DAMAGE_ERRORS) as error:
        if isinstance(error, LMUHWError):
            raise
        raise _damaged(path, error, "safetensors") from error
    return arrays


def _read_torch(path: Path) -> dict[str, Array]:
    torch = _package("torch", f"{path} is a PyTorch checkpoint; save it as .safetensors or .npz")
    _check_total(path, 1, path.stat().st_size)
    try:
        with warnings.catch_warnings():
            # damage is reported below
            warnings.simplefilter("ignore")
            loaded = torch.load(str(path), map_location="cpu", weights_only=True)
    except OSError:
        raise
    # a damaged pickle may raise any exception in PyTorch
    except Exception as error:
        raise ModelFileError(
            f"{path} holds more than weights, or is damaged; "
            "save model.state_dict() as .safetensors"
        ) from error
    tensors = _tensors(path, loaded, torch.is_tensor)
    _check_total(path, len(tensors), sum(8 * tensor.numel() for tensor in tensors.values()))
    return {
        name: _dense(path, name, tensor.detach(), torch.float64)
        for name, tensor in tensors.items()
        if not tensor.is_complex()
    }


def _tensors(path: Path, loaded: Any, is_tensor: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the tensors of a checkpoint by name; they may be nested one level deep."""

    def held(state: Any) -> dict[str, Any]:
        items = state.items() if isinstance(state, Mapping) else ()
        return {str(name): value for name, value in items if is_tensor(value)}

    if not isinstance(loaded, Mapping):
        raise ModelFileError(f"{path} must hold a state_dict; save model.state_dict()")
    inner = {key: found for key in STATE_DICT_KEYS if (found := held(loaded.get(key)))}
    if len(inner) > 1:
        raise ModelFileError(
            f"{path} holds arrays under {' and '.join(inner)}; save the state_dict of one model"
        )
    tensors = next(iter(inner.values()), held(loaded))
    if not tensors:
        keys = [repr(str(key)[:80]) for key in loaded]
        shown = ", ".join(keys[:8]) + (", ..." if len(keys) > 8 else "")
        raise ModelFileError(
            f"{path} must hold a state_dict, by itself or under {', '.join(STATE_DICT_KEYS)}, "
            f"but holds {shown or 'nothing'}; save model.state_dict()"
        )
    return tensors


def _dense(path: Path, name: str, tensor: Any, dtype: Any) -> Array:
    """Return a dense tensor as float64; reject sparse, quantized and meta tensors."""
    try:
        return np.array(tensor.to(dtype).numpy(), dtype=np.float64)
    except (RuntimeError, TypeError) as error:
        raise ModelFileError(
            f"{path}: {name[:80]!r} must be a dense tensor of plain numbers; "
            "save it so (to_dense, dequantize)"
        ) from error


def _doubles(array: np.ndarray) -> Array:
    """Return an array as float64; the network rejects non-finite values and names the array."""
    with np.errstate(all="ignore"):
        return array.astype(np.float64)


def _exact_doubles(path: Path, name: str, array: np.ndarray) -> Array:
    """Return an array as float64; reject numbers that float64 does not hold."""
    found = _doubles(array)
    if array.dtype.itemsize >= 8 and array.dtype != np.float64:
        with np.errstate(all="ignore"):
            back = found.astype(array.dtype)
        if not np.array_equal(back, array, equal_nan=array.dtype.kind == "f"):
            raise ModelFileError(
                f"{path}: {name[:80]!r} is {array.dtype} and does not fit in float64; "
                "save it as float64"
            )
    return found


def _package(name: str, why: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolError(f"{why}: install {name} to read it (pip install {name})") from error


def _check_total(path: Path, count: int, size: int, max_bytes: int = MAX_BYTES) -> None:
    if count > MAX_ARRAYS:
        raise ModelFileError(f"{path} holds {count} arrays, must be at most {MAX_ARRAYS}; not read")
    if size > max_bytes:
        raise ModelFileError(
            f"{path} claims {size >> 20} MiB of arrays, must be at most {max_bytes >> 20}; not read"
        )


def _damaged(path: Path, error: Exception, how: str) -> ModelFileError:
    kind = "safetensors" if how == "safetensors" else path.suffix
    return ModelFileError(
        f"{path} is not a {kind} file, or is damaged ({reason_of(error)}); "
        f"write it again with {how}"
    )


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts ``lmu.2`` before ``lmu.10``."""
    parts = re.split(r"([0-9]{1,18})", name)
    return [(1, int(part), "") if k % 2 else (0, 0, part) for k, part in enumerate(parts)]
