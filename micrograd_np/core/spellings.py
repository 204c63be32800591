"""Names of PyTorch and NumPy that a tensor or the package does not have, and what to write instead."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

_DEVICE = "t itself: there are no devices, and every tensor is in the machine's memory"
_ALONE = (
    "sin cos tan arcsin arccos arctan sinh cosh cbrt exp2 expm1 log1p log2 log10 reciprocal sign negative floor ceil "
    "trunc erf softmax log_softmax logsumexp isnan isinf isfinite sort topk median norm diff tril triu unstack outer "
    "inner maximum minimum matmul flip tile roll split moveaxis expand_dims ptp average"
)
_METHODS = {
    "view": "t.reshape(...)", "view_as": "t.reshape(other.shape)", "reshape_as": "t.reshape(other.shape)",
    "permute": "t.transpose(...)", "t": "t.T", "mT": "t.swapaxes(-1, -2)", "unsqueeze": "mg.expand_dims(t, axis)",
    "expand": "mg.broadcast_to(t, shape)", "expand_as": "mg.broadcast_to(t, other.shape)",
    "contiguous": "t: every function takes any layout", "numel": "t.size", "nelement": "t.size", "dim": "t.ndim",
    "to": "t.astype(dtype)", "type": "t.astype(dtype)", "float": "t.astype('float32')", "double": "t.astype('float64')",
    "half": "t.astype('float16')", "long": "t.astype('int64')", "int": "t.astype('int32')", "bool": "t.astype(bool)",
    "cuda": _DEVICE, "cpu": _DEVICE, "device": _DEVICE, "is_cuda": _DEVICE, "pin_memory": _DEVICE,
    "zero_": "t.copy_(0)", "fill_": "t.copy_(value)", "fill": "t.copy_(value)", "add_": "t += other",
    "sub_": "t -= other", "mul_": "t *= other", "div_": "t /= other", "detach_": "t = t.detach()",
    "clamp": "t.clip(min, max)", "clamp_": "t.copy_(t.clip(min, max))", "normal_": "nn.init.normal_(t, mean, std)",
    "uniform_": "nn.init.uniform_(t, low, high)", "add": "t + other", "sub": "t - other", "mul": "t * other",
    "div": "t / other", "pow": "t ** exponent", "mm": "t @ other", "bmm": "t @ other", "mv": "t @ other",
    "neg": "-t", "eq": "t == other", "ne": "t != other", "lt": "t < other", "gt": "t > other", "le": "t <= other",
    "ge": "t >= other", "amax": "t.max(axis)", "amin": "t.min(axis)", "masked_fill": "mg.where(mask, value, t)",
    "where": "mg.where(condition, t, other)", "gather": "mg.take_along_axis(t, index, axis)",
    "index_select": "t.take(index, axis)", "chunk": "mg.array_split(t, n, axis)", "grad_fn": "t.op",
    "new_zeros": "mg.Tensor(np.zeros(shape, t.dtype))", "new_ones": "mg.Tensor(np.ones(shape, t.dtype))",
    "nonzero": "np.nonzero(t)", "strides": "t.data.strides", "nbytes": "t.data.nbytes",
    "itemsize": "t.data.itemsize",
    **{name: f"mg.{name}(t)" for name in _ALONE.split()},
}  # fmt: skip

_ARRAYS = (
    "zeros ones empty full eye identity arange linspace logspace geomspace ones_like empty_like full_like vander tri"
)
_FUNCTIONS = {
    "randn": "mg.random.normal(size=shape)", "rand": "mg.random.uniform(size=shape)",
    "randint": "mg.random.integers(low, high, size)", "randperm": "mg.random.permutation(n)",
    "cat": "mg.concatenate(a, b, axis=0)", "mm": "a @ b", "bmm": "a @ b", "unsqueeze": "mg.expand_dims(t, axis)",
    "permute": "mg.transpose(t, axes=...)", "gather": "mg.take_along_axis(t, index, axis)",
    "clamp": "mg.clip(t, min, max)", "set_default_tensor_type": "mg.set_default_dtype(dtype)",
    "masked_fill": "mg.where(mask, value, t)", "is_tensor": "isinstance(x, mg.Tensor)", "cuda": _DEVICE,
    "device": _DEVICE, "inference_mode": "mg.no_grad()", "autocast": "mg.set_default_dtype('float32')",
    "Variable": "mg.Tensor(data, requires_grad=True)", "Value": "mg.Tensor(data, requires_grad=True)",
    "pow": "mg.power(t, exponent)", "sub": "mg.subtract(a, b)", "mul": "mg.multiply(a, b)", "div": "mg.divide(a, b)",
    "neg": "mg.negative(t)", "amax": "mg.max(t, axis)", "amin": "mg.min(t, axis)", "float": "'float32'",
    "long": "'int64'", "manual_seed": "mg.random.manual_seed(seed)",
    **dict.fromkeys(("tensor", "from_numpy", "as_tensor", "array", "asarray"), "mg.Tensor(data)"),
    **{name: f"{name!r} or np.{name}" for name in ("float16", "float32", "float64", "int32", "int64", "bool_")},
}  # fmt: skip
_PARTS = "nn functional optim optim.lr_scheduler data training random linalg autograd debug"


class ForeignName:
    """An attribute of another library: reading it raises an AttributeError that says what to write."""

    def __init__(self, name: str, hint: str) -> None:
        self.name, self.hint = name, hint

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"{owner.__name__} has no {self.name!r}. Write {self.hint}.", name=self.name, obj=instance)


def add_foreign_names(owner: type) -> None:
    """Let `owner` say what to write for the methods of other libraries that it does not have."""
    for name, hint in _METHODS.items():
        if not hasattr(owner, name):
            setattr(owner, name, ForeignName(name, hint))


def suggestion(package: str, name: str, names: Iterable[str]) -> str:
    """A sentence that says what to write for ``package.name``, which does not exist; the package has `names`."""
    if name in _FUNCTIONS:
        return f"Write {_FUNCTIONS[name]}."
    if name in _ARRAYS.split():
        return f"Write mg.Tensor(np.{name}(...))."
    for part in _PARTS.split():
        if not name.startswith("_") and name in getattr(import_module(f"{package}.{part}"), "__all__", ()):
            return f"Write mg.{part}.{name}."
    near = get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"dir({package}) lists what it has."
