"""Arrays and a description in one file: ``.npz`` without pickle, or ``.safetensors``. Whole, or not at all."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

_DESCRIPTION = "micrograd_np"  # the entry that describes the structure of the saved object
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same file, whenever it is written
_ABANDONED = 600  # seconds; the writer may run on another machine, so its process cannot be looked up


class CheckpointError(ValueError):
    """A file is not a whole checkpoint, or does not fit what it is loaded into. Nothing has been changed.

    >>> import micrograd_np as mg
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".npz") as empty:
    ...     try:
    ...         mg.load(empty.name)
    ...     except mg.CheckpointError:
    ...         print("not loaded")
    not loaded
    """


def unusable(path: Path, problem: str) -> CheckpointError:
    """The error for a file that has the problem."""
    return CheckpointError(f"load: {path} {problem}; nothing has been loaded.")


def encoder_for(path: Path) -> Callable[..., None]:
    """What writes a file of the name of `path`. ValueError unless it ends in .npz or .safetensors.

    FileNotFoundError where there is no such directory.
    """
    encode = {".npz": _npz, ".safetensors": _safetensors}.get(path.suffix)
    if encode is None:
        raise ValueError(f"save: the name must end in .npz or .safetensors, found {path.name!r}.")
    if not path.parent.is_dir():
        message = f"save: there is no directory {str(path.parent)!r} for {path.name}. Make it first: Path(...).mkdir()."
        raise FileNotFoundError(message)
    return encode


def write(path: Path, arrays: Mapping[str, Any], description: str) -> None:
    """Write a file beside `path`, and rename it once it is safely on disk; a crash leaves the old file.

    ValueError unless the name ends in .npz or .safetensors.
    """
    encode = encoder_for(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            encode(file, arrays, description)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sweep(path)
    with suppress(OSError):  # not every system lets the new name survive a power cut, too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _sweep(path: Path) -> None:
    """Remove partial files of killed writers of `path`, untouched for a long time."""
    for partial in path.parent.glob(f".{escape(path.name)}.*.partial"):
        with suppress(OSError):  # another process may be about to do the same
            if time.time() - partial.stat().st_mtime > _ABANDONED:
                partial.unlink()


def read(path: Path) -> tuple[dict[str, np.ndarray[Any, Any]], str | None]:
    """The arrays in a file and, if `write` wrote it, their description. The content decides the kind of the file.

    FileNotFoundError if there is none, CheckpointError if it is cut short, damaged, or something else.
    """
    with path.open("rb") as file:
        start = file.read(9)
        if start[:4] == b"PK\x03\x04":
            return _read_npz(path)
        if len(start) == 9 and start[8:] == b"{":
            return _read_safetensors(path)
    kind = "neither .npz nor .safetensors" if start else "empty"
    raise unusable(path, f"is {kind}")


def _npz(file: Any, arrays: Mapping[str, Any], description: str) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
        archive.writestr(zipfile.ZipInfo(f"{_DESCRIPTION}.json", _EPOCH), description)


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray[Any, Any]], str | None]:
    arrays = {}
    description = None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            pickled = any(name.endswith("data.pkl") for name in names)
            for name in () if pickled else names:
                content = archive.read(name)  # checks the checksum
                if name == f"{_DESCRIPTION}.json":
                    description = content.decode()
                elif name.endswith(".npy"):
                    array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
                    arrays[name.removesuffix(".npy")] = array
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError) as error:
        raise unusable(path, f"is cut short, damaged or no .npz of numbers ({error})") from error
    if pickled:
        remedy = "In PyTorch, save the state dict with safetensors.torch.save_file instead"
        raise unusable(path, f"is a pickle by PyTorch, which could run any code. {remedy}")
    return arrays, description


def _safetensors(file: Any, arrays: Mapping[str, Any], description: str) -> None:
    if "__metadata__" in arrays:  # the library writes it, but cannot read it
        raise ValueError(
            "save: '__metadata__' is not a name for an array in .safetensors, where it holds the file's description. "
            "Choose another name, or save as .npz."
        )
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<") not in _DTYPES.values():
            raise TypeError(
                f"save: {name} has dtype {array.dtype}, which .safetensors does not have. Save as .npz, or cast it."
            )
    file.write(_library().numpy.save(dict(arrays), metadata={_DESCRIPTION: description}))


def _read_safetensors(path: Path) -> tuple[dict[str, np.ndarray[Any, Any]], str | None]:
    library = _library()
    content = path.read_bytes()
    try:
        parts = dict(library.deserialize(content))  # not in the order of the file
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
    except (library.SafetensorError, ValueError, KeyError) as error:
        raise unusable(path, f"is cut short, damaged or no .safetensors ({error})") from error
    metadata = header.pop("__metadata__", None) or {}
    if strange := [f"{name!r} is {parts[name]['dtype']}" for name in header if parts[name]["dtype"] not in _DTYPES]:
        remedy = f"Convert them where the file was made, to one of {', '.join(_DTYPES)}"
        raise unusable(path, f"holds numbers of kinds not supported here: {', '.join(strange)}. {remedy}")
    return {name: _decoded(parts[name]) for name in header}, metadata.get(_DESCRIPTION)


_DTYPES = {name: np.dtype(code) for name, code in {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "BF16": "<u2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}.items()}  # fmt: skip


def _decoded(part: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """One array; bfloat16, which NumPy does not have, becomes float32, which holds it exactly."""
    values = np.frombuffer(part["data"], _DTYPES[part["dtype"]]).reshape(part["shape"])
    return (values.astype("<u4") << 16).view("<f4") if part["dtype"] == "BF16" else values.copy()


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        message = "safetensors: the library is not installed. pip install micrograd_np[io], or save as .npz."
        raise ImportError(message) from error
    return safetensors
