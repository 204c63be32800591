"""Arrays on disk, larger than memory, whose rows are read as they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from mmap import mmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.engine.tensor import Tensor


def memory_map(path: str | Path) -> np.ndarray[Any, Any]:
    """The array in the ``.npy`` file at `path`, read-only; only the rows that are used come into memory.

    ``TensorDataset(memory_map(...))`` makes a data set of it. ValueError for a file that is no such array.

    >>> import micrograd_np as mg
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/x.npy", np.arange(6.0).reshape(3, 2))
    >>> mg.data.memory_map(f"{folder.name}/x.npy")[1].tolist()
    [2.0, 3.0]
    >>> folder.cleanup()
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        message = f"memory_map: {path} is not a whole .npy file of numbers ({error}). Write one with write_rows."
        raise ValueError(message) from error


class MappedFile(NamedTuple):
    """Where a memory-mapped array lies: what is sent to another process in its place."""

    filename: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    order: Any

    def open(self) -> np.ndarray[Any, Any]:
        """The array, of the file of that name on this machine."""
        return np.memmap(self.filename, self.dtype, "r", self.offset, self.shape, self.order)


def located(array: np.ndarray[Any, Any]) -> MappedFile | np.ndarray[Any, Any]:
    """The file of an array that is all of a read-only memory map; another array itself."""
    whole: Any = array if isinstance(array, np.memmap) else array.base
    mapped = isinstance(whole, np.memmap) and isinstance(getattr(whole, "base", None), mmap) and whole.mode == "r"
    if not mapped or (array.shape, array.strides, array.dtype) != (whole.shape, whole.strides, whole.dtype):
        return array
    order = "C" if whole.flags.c_contiguous else "F"
    return MappedFile(str(Path(whole.filename).resolve()), whole.dtype, whole.offset, whole.shape, order)


def write_rows(path: str | Path, chunks: Iterable[Any]) -> Path:
    """Write `chunks`, arrays that continue one another along the first axis, to a ``.npy`` file; returns its path.

    Only one chunk at a time is in memory. Until all are written the file has another name, so that half of it is
    never read. ValueError if there are none, or one of another dtype or row shape.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = write_rows(f"{folder.name}/x.npy", (np.full((2, 3), i) for i in range(4)))
    >>> memory_map(path).shape
    (8, 3)
    >>> folder.cleanup()
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"write_rows: there is no directory {str(path.parent)!r} for {path.name}. Make it first: Path(...).mkdir()."
        )
    partial = path.with_name(f".{path.name}.partial")
    first: Any = None
    rows = 0
    try:
        with partial.open("wb") as file:
            for chunk in chunks:
                array = np.ascontiguousarray(chunk.data if isinstance(chunk, Tensor) else chunk)
                if first is None:
                    first = array
                    _write_header(file, array, 0)
                if array.dtype != first.dtype or array.shape[1:] != first.shape[1:]:
                    raise ValueError(
                        f"write_rows: a chunk is {array.dtype} of shape {array.shape}; after {first.dtype} of shape "
                        f"{first.shape} it must have that dtype and {('any', *first.shape[1:])}."
                    )
                array.tofile(file)
                rows += len(array)
            if first is None:
                raise ValueError("write_rows: found no chunks; give at least one array.")
            file.seek(0)
            _write_header(file, first, rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _write_header(file: Any, like: np.ndarray[Any, Any], rows: int) -> None:
    """Write the header of an array of `rows` rows; NumPy pads it, so its length does not depend on their number."""
    descr, shape = np.lib.format.dtype_to_descr(like.dtype), (rows, *like.shape[1:])
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
