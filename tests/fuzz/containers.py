"""Damage inside containers: zip archives, arrays of NumPy, HDF5 and safetensors files."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from tests.factories.array_files import npy
from tests.fuzz.mutate import FLOATS, INTS, TEXTS, Tree, damaged_bytes, json_bytes

Arrays = dict[str, np.ndarray]
DTYPES = (
    "<f8",
    "<f4",
    "<f2",
    ">f8",
    "<i1",
    "<i8",
    "<u8",
    "|b1",
    "<c16",
    "|S3",
    "<U2",
    "|O",
    "<M8[s]",
)
HEADERS = (
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f8', 'fortran_order': 1, 'shape': 3, }",
    "{'descr': '<f8', 'shape': (), }",
    "{'descr': ('<f8', (2,)), 'fortran_order': True, 'shape': (0, 5), }",
    "__import__('os')",
    "(" * 300,
    "-" * 5000 + "1",
    "{'descr': '<V0', 'fortran_order': False, 'shape': (10**9,), }",
)
SIZES = (0, 1, 2, 3, 5, 100)


def damaged_array(rng: Random, array: np.ndarray) -> np.ndarray:
    """Return an array of another shape, type or content."""
    change = rng.randrange(7)
    if change == 0:
        array = array.copy()
        if array.size and array.dtype.kind == "f":
            with np.errstate(all="ignore"):
                array.flat[rng.randrange(array.size)] = np.float64(rng.choice(FLOATS))
    elif change == 1:
        with np.errstate(all="ignore"):
            array = (array * rng.choice((0.0, 1e-30, 1e30, -1.0, 1e300))).astype(array.dtype)
    elif change == 2:
        shape = tuple(rng.choice(SIZES) for _ in range(rng.randrange(4)))
        array = np.resize(array, shape) if array.size else np.zeros(shape)
    elif change == 3:
        array = array.T
    elif change == 4 and array.ndim:
        array = array[: rng.randrange(array.shape[0] + 1)]
    elif change == 5:
        array = array[None] if rng.random() < 0.5 else array.reshape(-1)
    else:
        dtype = np.dtype(rng.choice(DTYPES[:9]))
        with np.errstate(all="ignore"):
            array = array.astype(dtype)
    return array


def damaged_npy(rng: Random, array: np.ndarray) -> bytes:
    """Return a .npy file with another array, or with a header that lies."""
    chance = rng.random()
    if chance < 0.5:
        return npy(damaged_array(rng, array))
    content = npy(array)
    if chance < 0.75:
        header = rng.choice(HEADERS).encode() + b"\n"
        version = rng.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x09"))
        size = struct.pack("<H" if version[0] == 1 else "<I", len(header))
        return b"\x93NUMPY" + version + size + header + content[128:]
    if chance < 0.85:
        head = content[:128].replace(b"<f8", rng.choice(DTYPES).encode())
        return head.replace(b"(", f"({rng.choice(INTS)},".encode(), 1) + content[128:]
    return damaged_bytes(rng, content)


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            # no time of day: the same bytes from the same seed
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, content)
    return file.getvalue()


def damaged_zip(
    rng: Random, members: dict[str, bytes], damage: Callable[[Random, str], bytes]
) -> bytes:
    """Return an archive with a damaged, missing, renamed or doubled member, or damaged itself."""
    chosen = list(members.items())
    k = rng.randrange(len(chosen))
    name, content = chosen[k]
    change = rng.random()
    if change < 0.6:
        chosen[k] = (name, damage(rng, name))
    elif change < 0.7:
        del chosen[k]
    elif change < 0.75:
        chosen[k] = (rng.choice([*members, *TEXTS[:12]])[:60000] or "x", content)
    elif change < 0.78:
        chosen.insert(0, ("bomb", bytes(1 << 22)))
    method = zipfile.ZIP_DEFLATED if rng.random() < 0.3 else zipfile.ZIP_STORED
    names = {name.replace("\0", "") or "x": content for name, content in chosen}
    try:
        whole = zipped(list(names.items()), method)
    except (UnicodeEncodeError, ValueError):
        whole = zipped(list(members.items()), method)
    return damaged_bytes(rng, whole) if change > 0.85 else whole


def safetensors(arrays: Arrays) -> tuple[dict[str, Any], bytes]:
    """Return the header and the body of a .safetensors file of float32 arrays."""
    header: dict[str, Any] = {}
    body = b""
    for name, array in arrays.items():
        part = array.astype("<f4").tobytes()
        offsets = [len(body), len(body) + len(part)]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        body += part
    return header, body


def damaged_safetensors(rng: Random, header: Tree, body: bytes) -> bytes:
    """Return a file whose header, body, or size of the header is another."""
    head = json_bytes(rng, header.damaged(rng))
    size = len(head) if rng.random() < 0.95 else rng.choice([i for i in INTS if 0 <= i < 2**64])
    content = struct.pack("<Q", size) + head + body
    return damaged_bytes(rng, content) if rng.random() < 0.3 else content


def hdf5(arrays: Arrays, attributes: dict[str, Any], rng: Random | None = None) -> bytes:
    """Return an HDF5 file; with ``rng``, one of its parts is what no model has."""
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w", track_order=False) as target:
        for name, array in arrays.items():
            target[name] = array
        for name, value in attributes.items():
            target.attrs[name] = value
        if rng is not None:
            _damage(h5py, rng, target, list(arrays), list(attributes))
    content = file.getvalue()
    return damaged_bytes(rng, content) if rng is not None and rng.random() < 0.5 else content


def _damage(h5py: Any, rng: Random, file: Any, names: list[str], attributes: list[str]) -> None:
    name = rng.choice(names)
    change = rng.randrange(12)
    if change < 5:
        array = damaged_array(rng, np.asarray(file[name][()]))
        del file[name]
        file[name] = array
    elif change == 5:
        del file[name]
        file[name] = rng.choice((h5py.SoftLink("/" + rng.choice(names)), h5py.SoftLink("/no")))
    elif change == 6:
        del file[name]
        file[name] = h5py.ExternalLink("/dev/zero", "/x")
    elif change == 7:
        del file[name]
        file.create_group(name)
    elif change == 8:
        del file[name]
        shape = (rng.choice((1, 2**20, 2**40)), rng.choice((1, 2**20)))
        file.create_dataset(name, shape, "f8", chunks=(1, min(shape[1], 2**16)))
    elif change == 9:
        file[name + "x" * 9] = file[name]
        file.move(name, name + "y")
    elif change == 10:
        del file[name]
        file[name] = np.array(rng.choice(TEXTS[:4]).encode() or b"x")
    elif attributes:
        key = rng.choice(attributes)
        file.attrs[key] = rng.choice((1.5, np.zeros(3), "", "x", np.bytes_(b"\xff"), [1, 2]))


def checkpoint(state: Any) -> bytes:
    """Return what `torch.save` writes."""
    import torch

    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def damaged_checkpoint(rng: Random, arrays: Arrays) -> bytes:
    """Return a checkpoint of other tensors or values, or with a damaged member, or damaged."""
    import torch

    state: dict[Any, Any] = {name: torch.tensor(array) for name, array in arrays.items()}
    chance = rng.random()
    if chance < 0.5:
        name = rng.choice(list(state))
        with warnings.catch_warnings():
            # of what is about to go, or unsafe
            warnings.simplefilter("ignore")
            state[name] = _odd_tensor(torch, rng, state[name])
            nested = {"state_dict": state}
            return checkpoint(rng.choice((state, state, nested, {"state_dict": [state]}, [state])))
    content = checkpoint(state)
    if chance < 0.8:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        return damaged_zip(rng, members, lambda rng, name: damaged_bytes(rng, members[name]))
    return damaged_bytes(rng, content)


def _odd_tensor(torch: Any, rng: Random, tensor: Any) -> Any:
    """Return a value that a checkpoint may hold and a network has no use for."""
    wide = tensor.reshape(1, -1)
    makers: tuple[Callable[[], Any], ...] = (
        lambda: tensor.to_sparse(),
        lambda: torch.sparse_coo_tensor(torch.tensor([[0]]), torch.tensor([1.0]), (2**40,)),
        lambda: torch.quantize_per_tensor(tensor.float(), 0.1, 0, torch.qint8),
        lambda: torch.empty(3, 4, device="meta"),
        lambda: torch.zeros(1).expand(2**20, 2**20),
        lambda: wide.to(getattr(torch, rng.choice(("bfloat16", "float16", "bool", "complex64")))),
        lambda: wide.to(torch.float8_e4m3fn),
        lambda: torch.nn.Parameter(tensor),
        lambda: torch.from_numpy(np.array(damaged_array(rng, tensor.numpy()), dtype="f8")),
        lambda: torch.tensor(rng.choice(FLOATS)),
        lambda: torch.zeros(0),
        lambda: rng.choice((None, 1.5, "text", [tensor], {"a": tensor}, (1, 2))),
    )
    return rng.choice(makers)()


def described(rng: Random, tree: Tree) -> str:
    """Return a damaged JSON value as the text of an attribute or a member."""
    return json.dumps(tree.damaged(rng))
