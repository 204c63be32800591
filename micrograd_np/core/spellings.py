"""Names of PyTorch and NumPy that a tensor or the package does not have, and what to write instead."""

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

_DEVICE = "t itself: there is one device; leave it out"
_NO_DEVICE = "nothing: there is one device; leave it out"
_ALONE = (
    "sin cos tan arcsin arccos arctan sinh cosh cbrt exp2 expm1 log1p log2 log10 reciprocal sign negative floor ceil "
    "trunc erf softmax log_softmax logsumexp isnan isinf isfinite sort topk median norm diff tril triu unstack outer "
    "inner maximum minimum matmul flip tile roll split moveaxis expand_dims ptp average"
)
_METHODS = {
    "view": "t.reshape(...)", "view_as": "t.reshape(other.shape)", "reshape_as": "t.reshape(other.shape)",
    "t": "t.T", "expand_as": "t.expand(other.shape)", "unbind": "mg.unstack(t, axis)",
    "contiguous": "t: every function takes any layout", "nelement": "t.size", "dim": "t.ndim",
    "to": f"{_DEVICE}; t.astype(dtype) changes the dtype", "type": "t.astype(dtype)", "float": "t.astype('float32')",
    "double": "t.astype('float64')",
    "half": "t.astype('float16')", "long": "t.astype('int64')", "int": "t.astype('int32')", "bool": "t.astype(bool)",
    "cuda": _DEVICE, "cpu": _DEVICE, "device": _DEVICE, "is_cuda": _DEVICE, "pin_memory": _DEVICE,
    "zero_": "t.copy_(0)", "fill_": "t.copy_(value)", "fill": "t.copy_(value)", "add_": "t += other",
    "sub_": "t -= other", "mul_": "t *= other", "div_": "t /= other", "detach_": "t = t.detach()",
    "clamp_": "t.copy_(t.clip(min, max))", "normal_": "nn.init.normal_(t, mean, std)",
    "uniform_": "nn.init.uniform_(t, low, high)", "add": "t + other", "sub": "t - other", "mul": "t * other",
    "div": "t / other", "pow": "t ** exponent", "mm": "t @ other", "bmm": "t @ other", "mv": "t @ other",
    "neg": "-t", "eq": "t == other", "ne": "t != other", "lt": "t < other", "gt": "t > other", "le": "t <= other",
    "ge": "t >= other", "amax": "t.max(axis)", "amin": "t.min(axis)", "masked_fill_": "t[mask] = value",
    "where": "mg.where(condition, t, other)", "grad_fn": "t.op",
    "scatter_": "t.copy_(t.scatter(axis, index, src))", "scatter_add_": "t.copy_(t.scatter_add(axis, index, src))",
    "index_add_": "t.copy_(t.index_add(axis, index, source))",
    "new_zeros": "mg.zeros(shape, dtype=t.dtype)", "new_ones": "mg.ones(shape, dtype=t.dtype)",
    "nonzero": "np.nonzero(t)", "strides": "t.data.strides", "nbytes": "t.data.nbytes",
    "itemsize": "t.data.itemsize",
    "repeat_interleave": "t.repeat(repeats, axis)", "masked_select": "t[mask]", "narrow": "t[start : start + length]",
    "select": "t[index]", "movedim": "mg.moveaxis(t, source, destination)", "rsqrt": "1 / t.sqrt()",
    "new_full": "mg.full(shape, value, t.dtype)", "new_tensor": "mg.tensor(data, t.dtype)", "stride": "t.data.strides",
    "is_floating_point": "t.dtype.kind == 'f'", "allclose": "np.allclose(t, other)", "equal": "(t == other).all()",
    "unsqueeze_": "t = t.unsqueeze(axis)", "squeeze_": "t = t.squeeze(axis)", "relu_": "t = t.relu()",
    **{name: f"mg.{name}(t)" for name in _ALONE.split()},
    "split": "mg.split(t, parts), for parts in NumPy's sense: how many, not of which length",
    "sort": "mg.sort(t) for the values, t.argsort() for the positions",
}  # fmt: skip

_ARRAYS = "identity logspace geomspace empty_like vander tri"
_FUNCTIONS = {
    "randn": "mg.random.randn(2, 3)", "rand": "mg.random.rand(2, 3)",
    "randint": "mg.random.randint(low, high, size)", "randperm": "mg.random.permutation(n)",
    "mm": "a @ b", "bmm": "a @ b",
    "set_default_tensor_type": "mg.set_default_dtype(dtype)",
    "is_tensor": "isinstance(x, mg.Tensor)", "unbind": "mg.unstack(t, axis)",
    "repeat_interleave": "mg.repeat(t, repeats, axis)", "movedim": "mg.moveaxis(t, source, destination)",
    "rsqrt": "1 / mg.sqrt(t)", "is_floating_point": "t.dtype.kind == 'f'",
    **{name: f"np.{name}(...)" for name in ("allclose", "isclose", "nonzero", "argwhere", "bincount", "searchsorted")},
    "utils": "mg.data for utils.data, mg.checkpoint for utils.checkpoint",
    **dict.fromkeys(("cuda", "device", "backends", "mps", "get_default_device", "set_default_device"), _NO_DEVICE),
    "inference_mode": "mg.no_grad()", "autocast": "mg.set_default_dtype('float32')",
    "Variable": "mg.Tensor(data, requires_grad=True)", "Value": "mg.Tensor(data, requires_grad=True)",
    "pow": "mg.power(t, exponent)", "sub": "mg.subtract(a, b)", "mul": "mg.multiply(a, b)", "div": "mg.divide(a, b)",
    "neg": "mg.negative(t)", "amax": "mg.max(t, axis)", "amin": "mg.min(t, axis)", "float": "mg.float32",
    "double": "mg.float64", "half": "mg.float16", "int": "mg.int32", "long": "mg.int64", "bool": "mg.bool_",
    **dict.fromkeys(("FloatTensor", "LongTensor", "array", "asarray"), "mg.tensor(data)"),
}  # fmt: skip
_LAZY = "Linear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d BatchNorm1d BatchNorm2d"
_OF_PARTS = {
    "nn": {
        "DataParallel": "the module itself: there is one device; leave it out", "Tensor": "mg.Tensor",
        "parallel": _NO_DEVICE,
        **{f"Lazy{name}": f"nn.{name}, which takes its sizes at once" for name in _LAZY.split()},
    },
    "optim": {"swa_utils": "mg.optim.ExponentialMovingAverage"},
    "data": {"get_worker_info": "nothing: workers are threads; leave it out"},
}  # fmt: skip
"""What to write for names that PyTorch has in one of its parts."""
_OF_MODULES = {
    **dict.fromkeys(("cuda", "cpu", "share_memory"), "the module itself: there is one device; leave it out"),
    "half": "module.to('float16')",
    "type": "module.to(dtype)",
}
_PARTS = "nn functional optim optim.lr_scheduler data training random linalg autograd debug"


class ForeignName:
    """An attribute of another library: reading it raises an AttributeError that says what to write."""

    def __init__(self, name: str, hint: str) -> None:
        self.name, self.hint = name, hint

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"{owner.__name__} has no {self.name!r}. Write {self.hint}.", name=self.name, obj=instance)


def add_foreign_names(owner: type) -> None:
    """Let `owner`, Tensor or Module, say what to write for the methods of other libraries that it does not have."""
    for name, hint in (_METHODS if owner.__name__ == "Tensor" else _OF_MODULES).items():
        if not hasattr(owner, name):
            setattr(owner, name, ForeignName(name, hint))


def suggestion(module: str, name: str, names: Iterable[str]) -> str:
    """A sentence that says what to write for ``module.name``, which does not exist; the module has `names`.

    `module` is the package or one of its parts.
    """
    package, _, inside = module.partition(".")
    hint = (_OF_PARTS.get(inside, {}) if inside else _FUNCTIONS).get(name)
    if hint is not None:
        return f"Write {hint}."
    if name in _ARRAYS.split():
        return f"Write mg.Tensor(np.{name}(...))."
    for part in ("", *_PARTS.split()):
        home = f"{package}.{part}".rstrip(".")
        if home != module and not name.startswith("_") and name in getattr(import_module(home), "__all__", ()):
            return f"Write {home.replace(package, 'mg', 1)}.{name}."
    near = get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"dir({module}) lists what it has."


def explain_names(namespace: dict[str, Any]) -> None:
    """Let a module, whose variables `namespace` are, say what to write for a name that it does not have."""
    module = namespace["__name__"]

    def missing(name: str) -> NoReturn:
        hint = "" if name.startswith("__") else f" {suggestion(module, name, namespace['__all__'])}"
        raise AttributeError(f"{module} has no {name!r}.{hint}", name=name, obj=sys.modules[module])

    namespace["__getattr__"] = missing


class ForeignModules:
    """Asked last for a module: an import of what the package does not have is answered with what to write.

    Python asks for a module, too, where ``from package import name`` finds no attribute.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """None outside the package and for private names, else a ModuleNotFoundError with the module's own message."""
        parent, _, name = fullname.rpartition(".")
        missing = vars(sys.modules.get(parent, sys)).get("__getattr__")
        if parent.partition(".")[0] == self.package and not name.startswith("_") and missing is not None:
            try:
                missing(name)
            except AttributeError as error:
                raise ModuleNotFoundError(str(error), name=parent) from None  # of another `name`, Python drops the text
