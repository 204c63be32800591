"""Tensors of an ONNX file as arrays: every size is checked against what the file holds before an array is made."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from micrograd_np.onnx.error import OnnxError

_NAMES = "FLOAT16 FLOAT DOUBLE INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL"
DTYPES = {
    TensorProto.DataType.Value(n): helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(n))
    for n in _NAMES.split()
}
"""By ONNX's number: the types that NumPy has, without texts."""


def type_name(number: int) -> str:
    """The standard's name of an element type."""
    return TensorProto.DataType.Name(number).lower() if number in TensorProto.DataType.values() else f"type {number}"


def dtype_of(number: int, what: str) -> np.dtype[Any]:
    """NumPy's type; OnnxError if it has none."""
    if number not in DTYPES:
        names = ", ".join(type_name(n) for n in DTYPES)
        raise OnnxError(f"load: {what} is of type {type_name(number)}; the types that can be loaded are {names}.")
    return DTYPES[number]


def array_of(tensor: TensorProto, what: str, folder: Path | None) -> np.ndarray[Any, Any]:
    """The array of a tensor, whose bytes may lie in another file of `folder`."""
    dtype, shape = dtype_of(tensor.data_type, what), tuple(tensor.dims)
    if min(shape, default=0) < 0 or len(shape) > np.lib.NumpyVersion(np.__version__).major * 32:
        raise OnnxError(f"load: {what} has the shape {shape[:8]}; lengths are not negative, and axes at most 64.")
    if tensor.HasField("segment"):
        raise OnnxError(
            f"load: {what} is stored in segments, which no version of the standard describes; store it whole."
        )
    needed = prod(shape) * dtype.itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        return _external(tensor, what, folder, needed).view(dtype).reshape(shape)
    if tensor.HasField("raw_data"):
        size, unit = len(tensor.raw_data), needed
    else:
        size, unit = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type))), prod(shape)
    if size != unit:
        kind = "bytes" if tensor.HasField("raw_data") else "numbers"
        raise OnnxError(f"load: {what} has the shape {shape}, which takes {unit} {kind}, and holds {size}.")
    array: np.ndarray[Any, Any] = numpy_helper.to_array(tensor)
    if dtype.kind == "b":
        array = array.view(np.uint8) != 0  # a byte of raw data may be any number
    return array.astype(dtype, copy=not array.flags.writeable)


def _external(tensor: TensorProto, what: str, folder: Path | None, needed: int) -> np.ndarray[Any, Any]:
    """The bytes of a tensor in a file beside the model."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise OnnxError(
            f"load: {what} lies in another file, {location!r}; load the model from its path, not from bytes."
        )
    path = (folder / location).resolve() if "\0" not in location else folder
    if not path.is_relative_to(folder.resolve()) or Path(location).is_absolute() or not path.is_file():
        raise OnnxError(f"load: {what} should lie in {location!r}, which is no file in the model's own folder.")
    size = path.stat().st_size
    offset, length = (entries.get(key) or default for key, default in (("offset", "0"), ("length", str(needed))))
    if not (offset.isdecimal() and length.isdecimal() and int(length) == needed and int(offset) + needed <= size):
        raise OnnxError(
            f"load: {what} takes {needed} bytes, and should be {length} bytes from {offset} on in {location!r}, which "
            f"has {size}."
        )
    return np.fromfile(path, np.uint8, needed, offset=int(offset))
