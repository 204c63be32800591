"""PyTorch's layers: this package's, with parameters that are PyTorch's tensors, in its default dtype."""

from __future__ import annotations

from collections import OrderedDict
from inspect import signature
from typing import Any, NamedTuple, Self

import numpy as np

import micrograd_np as mg
from micrograd_np import functional as _functional
from micrograd_np import nn as _nn
from micrograd_np.core.vertex import Vertex
from micrograd_np.nn.module import _held

from .dtypes import check_device, default, device
from .table import _row, as_function
from .tensor import Buffer, Parameter, as_torch, with_runtime_errors


class in_default_dtype:  # noqa: N801  used as a context
    """What the package creates inside is in PyTorch's default dtype."""

    def __enter__(self) -> None:
        self.before = mg.get_default_dtype()
        mg.set_default_dtype(default())

    def __exit__(self, *error: object) -> None:
        mg.set_default_dtype(self.before)


class _Kind(type):
    """The class of layers' classes: creates them in the default dtype, with PyTorch's tensors as parameters."""

    def __call__(cls, *args: Any, **settings: Any) -> Any:
        check_device(settings.pop("device", None))
        kind = settings.pop("dtype", None)
        with in_default_dtype():
            module = super().__call__(*args, **settings)
        adopt(module)
        return module if kind is None else module.to(kind)

    def __instancecheck__(cls, x: Any) -> bool:
        return super().__instancecheck__(x) or isinstance(x, vars(cls).get("_ours", ()))


def adopt(module: Any) -> Any:
    """`module` with PyTorch's tensors as parameters and buffers; returns it."""
    for part in module.modules():
        for _, x, _ in _held(part):
            as_torch(x)
    return module


class _IncompatibleKeys(NamedTuple):
    """The names of a module that a state dict lacks, and its names that the module lacks."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module(_nn.Module, metaclass=_Kind):
    """Derive from this, call ``super().__init__()``, set parameters and submodules, and write ``forward``.

    >>> import micrograd_np.torch as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> layer(torch.ones(3, 2)).shape, layer.weight.dtype
    (torch.Size([3, 1]), torch.float32)
    """

    _ours: Any = _nn.Module
    __call__ = with_runtime_errors(_nn.Module.__call__)

    def to(self, *args: Any, **settings: Any) -> Self:
        """Cast parameters and buffers to a floating dtype, in place; a device is the one there is."""
        for x in (*args, *settings.values()):
            if isinstance(x, (str, device)):
                check_device(x)
            elif x is not None and not isinstance(x, bool):
                super().to(np.dtype(x.dtype) if isinstance(x, Vertex) else np.dtype(x))
        return adopt(self)

    def cpu(self) -> Self:
        """Itself: there is one device."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """RuntimeError: there is one device."""
        check_device("cuda")
        return self

    def half(self) -> Self:
        """Cast parameters and buffers to float16."""
        return self.to(np.float16)

    def state_dict(self, *args: Any, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and buffers by dotted name, as tensors that share their memory."""
        return OrderedDict((prefix + name, x if keep_vars else x.detach()) for name, x in self._state())

    @with_runtime_errors
    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Write a state dict into the parameters and buffers of its names; returns what did not match."""
        return _IncompatibleKeys(*super().load_state_dict(state_dict, strict, assign))

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Set `tensor` (or None) as the buffer `name`."""
        super().register_buffer(name, tensor, persistent)

    def __getattr__(self, name: str) -> Any:
        if name in ("_parameters", "_buffers", "_modules"):
            kinds = {"_parameters": "PARAMETER", "_buffers": "BUFFER", "_modules": "MODULE"}[name]
            return OrderedDict((key, x) for key, x, kind in _held(self) if kind.name.endswith(kinds))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _layer(ours: Any) -> Any:
    """A layer's class, as a class of PyTorch's modules."""
    if not issubclass(ours, _nn.Module):
        return ours
    doc = f"PyTorch's ``{ours.__name__}``: see `micrograd_np.nn.{ours.__name__}`."
    names: dict[str, Any] = {"_ours": ours, "__module__": __name__, "__doc__": doc}
    functions = {name: x.__func__ for name, x in vars(ours).items() if isinstance(x, staticmethod) and name[0] != "_"}
    names |= {name: staticmethod(_row(name, _made_in_default_dtype(f))) for name, f in functions.items()}
    bases = (_InPlace,) if "inplace" in signature(ours.__init__).parameters else ()
    return _Kind(ours.__name__, (*bases, Module, ours), names)


def _made_in_default_dtype(f: Any) -> Any:
    """`f`, where what it creates without a dtype is in PyTorch's default dtype."""

    def call(*args: Any, device: Any = None, **settings: Any) -> Any:
        check_device(device)
        with in_default_dtype():
            return f(*args, **settings)

    return call


class _InPlace:
    """What layers that take `inplace` have in common: with it, the result is written into the input."""

    def forward(self, input: Any) -> Any:
        """The layer of `input`, in its memory if the setting `inplace` says so."""
        z = super().forward(input)  # type: ignore[misc]
        return input.copy_(z) if self.inplace and z is not input else z  # type: ignore[attr-defined]

    def extra_repr(self) -> str:
        """The settings; `inplace` where it is chosen, or always shown."""
        text: str = super().extra_repr()  # type: ignore[misc]
        chosen = self.inplace and "inplace" not in text  # type: ignore[attr-defined]
        return ", ".join(filter(None, (text, "inplace=True" * chosen)))


LAYERS = {name: _layer(getattr(_nn, name)) for name in _nn.__all__ if isinstance(getattr(_nn, name), type)}
LAYERS |= {"Module": Module, "Parameter": Parameter, "Buffer": Buffer}
globals().update(LAYERS)


FUNCTIONAL = {name: as_function(name, getattr(_functional, name)) for name in _functional.__all__}
FUNCTIONAL |= {
    f"{name}_": as_function(f"{name}_", getattr(_functional, name))
    for name in ("relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "threshold")
}
