"""`to_torch_code`: a model of this package as the source of a PyTorch module."""

from __future__ import annotations

import re
from contextlib import suppress
from inspect import Parameter, signature
from keyword import iskeyword
from operator import attrgetter
from typing import Any

import numpy as np

from micrograd_np import nn
from micrograd_np.core.messages import explain_keywords, require_type, require_value
from micrograd_np.nn.module import Kind, _held

_MISSING = object()
_WITHOUT_EFFECT = ("device", "dtype", "inplace", "init")
_ELSEWHERE = {
    "d_model": ("d_model", "self_attn.embed_dim"), "nhead": ("nhead", "self_attn.num_heads"),
    "dim_feedforward": ("linear1.out_features",), "layer_norm_eps": ("norm1.eps",), "dropout": ("dropout.p", "dropout"),
    "batch_first": ("batch_first", "self_attn.batch_first"), "add_bias_kv": ("bias_k",),
    "bias": ("bias", "out_proj.bias", "linear1.bias"), "elementwise_affine": ("weight",),
}  # fmt: skip
"""Where a layer keeps arguments that are no attributes of its own."""
_IN_PLACE = re.compile(r"(, )?inplace=(True|False)")
_INDENT = " " * 4


@explain_keywords
def to_torch_code(model: Any, name: str = "Model") -> str:
    """The source of a PyTorch class `name` that computes what `model` computes, with the same names in its state dict.

    `model` is a layer, or `Sequential`, `ModuleList`, `ModuleDict` of layers, nested as you like. The text imports
    PyTorch; weights go there by themselves: ``mg.save(model.state_dict(), "model.safetensors")``. A layer in several
    places is one layer there, too. NotImplementedError names a module whose `forward` is your own code, one with hooks
    or with parameters that another has as well, and an argument that cannot be read back from a layer.

    >>> from micrograd_np import nn
    >>> print(to_torch_code(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).float()))
    import torch
    from torch import nn
    <BLANKLINE>
    <BLANKLINE>
    class Model(nn.Sequential):
        def __init__(self):
            super().__init__(
                nn.Linear(2, 3),
                nn.ReLU(),
            )
    <BLANKLINE>
    """
    require_type("to_torch_code", "model", model, isinstance(model, nn.Module), "a Module")
    suits = str(name).isidentifier() and not iskeyword(name) and name not in ("OrderedDict", "nn", "torch")
    require_value("to_torch_code", "name", name, suits, "a name for a class of its own")
    kinds = {x.dtype for x in (*model.parameters(), *model.buffers()) if x.dtype.kind == "f"} or {np.dtype(np.float32)}
    if len(kinds) > 1:
        raise NotImplementedError(f"to_torch_code: parameters of several dtypes, {', '.join(map(str, kinds))}.")
    source = _Source(model)
    kind, _, arguments = source.expression(model, "", 2).partition("(")
    rows = [f"class {name}({kind}):", f"{_INDENT}def __init__(self):", *source.rows]
    (dtype,) = kinds
    rows += [f"{_INDENT * 2}super().__init__({arguments}"] + [f"{_INDENT * 2}self.to(torch.{dtype})"] * (
        dtype != np.float32
    )
    imports = "from collections import OrderedDict\n\n" * ("OrderedDict(" in "".join(rows))
    return f"{imports}import torch\nfrom torch import nn\n\n\n" + "\n".join(rows) + "\n"


class _Source:
    """Writes the modules of one model; one that stands in several places is created once, in a row of its own."""

    def __init__(self, model: Any) -> None:
        places: dict[int, list[str]] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            places.setdefault(id(module), []).append(path)
        self.shared = {key for key, paths in places.items() if len(paths) > 1}
        self.names: dict[int, str] = {}
        self.rows: list[str] = []
        self.parents: set[int] = set()
        holders: dict[int, str] = {}
        for path, module in model.named_modules():
            for name, x, kind in _held(module):
                place = f"{path}.{name}".lstrip(".")
                if kind is Kind.PARAMETER and holders.setdefault(id(x), place) != place:
                    raise NotImplementedError(
                        f"to_torch_code: the parameter {holders[id(x)]} is {place}, too; tie them in PyTorch by hand."
                    )

    def expression(self, module: Any, path: str, depth: int) -> str:
        """What creates `module`, which stands at `path`, in PyTorch, or the name that it has there."""
        key = id(module)
        if key in self.parents:
            raise NotImplementedError(f"to_torch_code: the module at {path} contains itself.")
        if key not in self.names:
            self.parents.add(key)
            text = self._creation(module, path, 2 if key in self.shared else depth)
            self.parents.discard(key)
            if key not in self.shared or not module.state_dict():
                return text
            self.names[key] = f"shared_{len(self.names) + 1}"
            self.rows.append(f"{_INDENT * 2}{self.names[key]} = {text}")
        return self.names[key]

    def _creation(self, module: Any, path: str, depth: int) -> str:
        kind = next((x for x in type(module).__mro__ if getattr(nn, x.__name__, None) is x), None)
        writers = [next(x for x in type(module).__mro__ if name in vars(x)) for name in ("forward", "__call__")]
        ours = all(x.__module__.startswith("micrograd_np.") for x in writers) and "forward" not in vars(module)
        where = f" at {path}" if path else ""
        if kind is None or kind is nn.Module or not ours:
            raise NotImplementedError(
                f"to_torch_code: the forward of {type(module).__name__}{where} is your own code; only layers and "
                f"containers of micrograd_np.nn can be written."
            )
        if any(map(len, (module._hooks or {}).values())):
            raise NotImplementedError(f"to_torch_code: {kind.__name__}{where} has hooks, which are your own code.")
        title = f"nn.{kind.__name__}"
        if kind in (nn.Sequential, nn.ModuleList, nn.ModuleDict):
            return f"{title}({self._contents(module, path, depth)})"
        arguments = []
        for parameter in list(signature(kind.__init__).parameters.values())[1:]:
            if parameter.name in _WITHOUT_EFFECT or parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                continue
            value = self._argument(module, parameter.name, path, depth)
            if value is _MISSING:
                raise _unreadable(module, path, parameter.name)
            if _is_default(value, parameter.default):
                continue
            text = value if isinstance(value, _Text) else repr(value)
            plain = parameter.default is Parameter.empty
            arguments.append(text if plain else f"{parameter.name}={text}")
        text = f"{title}({', '.join(arguments)})"
        try:
            copy = eval(text, {"nn": nn, "inf": float("inf")})  # noqa: S307  it was just written
        except (NameError, SyntaxError, TypeError, ValueError):
            raise _unreadable(module, path, "one of its arguments") from None
        shapes = [{key: x.shape for key, x in m.state_dict().items()} for m in (module, copy)]
        settings = [_IN_PLACE.sub("", repr(m)) for m in (module, copy)]
        if shapes[0] != shapes[1] or settings[1] != settings[0].replace(type(module).__name__, kind.__name__, 1):
            raise _unreadable(module, path, "one of its arguments")
        return text

    def _contents(self, module: Any, path: str, depth: int) -> str:
        """The modules of a container, one on a line."""
        children = []
        for i, (name, x, kind) in enumerate(_held(module)):
            if kind is not Kind.MODULE or (isinstance(module, nn.ModuleList) and name != str(i)):
                raise _unreadable(module, path, name)
            children.append((name, self.expression(x, f"{path}.{name}".lstrip("."), depth + 1)))
        if not children:
            return ""
        opening, row, closing = "", "{1},", ""
        if isinstance(module, nn.ModuleDict):
            opening, row, closing = "{", "{0!r}: {1},", "}"
        elif isinstance(module, nn.ModuleList):
            opening, closing = "[", "]"
        elif any(name != str(i) for i, (name, _) in enumerate(children)):
            opening, row, closing = "OrderedDict([", "({0!r}, {1}),", "])"
        inside, outside = "\n" + _INDENT * (depth + 1), "\n" + _INDENT * depth
        return f"{opening}{inside}{inside.join(row.format(*child) for child in children)}{outside}{closing}"

    def _argument(self, module: Any, name: str, path: str, depth: int) -> Any:
        """The argument `name` of the constructor, as the layer has kept it."""
        if name in ("encoder_layer", "decoder_layer"):
            return _Text(self.expression(module.layers[0], f"{path}.layers.0".lstrip("."), depth))
        if name in ("bias", "bias_k") and getattr(module, "weight", 0) is None:
            return True
        value: Any = _MISSING
        for place in _ELSEWHERE.get(name, (name,)):
            with suppress(AttributeError):
                value = attrgetter(place)(module)
                break
        if isinstance(value, nn.Module):
            return _Text(self.expression(value, f"{path}.{name}".lstrip("."), depth))
        if name in ("bias", "affine", "elementwise_affine", "add_bias_kv"):
            return value if isinstance(value, bool) or value is _MISSING else value is not None
        if callable(value) and value is not _MISSING:
            return getattr(value, "__name__", _MISSING)
        return value is not None if isinstance(value, nn.Parameter) else value


class _Text(str):
    """Source that stands for itself."""

    __slots__ = ()


def _is_default(value: Any, default: Any) -> bool:
    """Whether an argument need not be written: it is the default, or that for each axis."""
    if isinstance(value, tuple) and value and not isinstance(default, tuple):
        return all(x == default for x in value)
    return type(value) in (type(default), int, float, bool) and bool(value == default)


def _unreadable(module: Any, path: str, name: str) -> NotImplementedError:
    where = f" at {path}" if path else ""
    return NotImplementedError(
        f"to_torch_code: {name} of {type(module).__name__}{where} cannot be read back; write this layer by hand."
    )
