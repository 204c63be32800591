"""A graph as Python: a module in our `nn`, with layers where the weights of a node are its own, else functions."""

from __future__ import annotations

import ast
import builtins
import inspect
import keyword
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from micrograd_np.nn.module import Module
from micrograd_np.nn.parameter import Buffer
from micrograd_np.onnx.error import OnnxError

from .graph import BODIES, Graph, Node, parameters, setting
from .operators import EXPRESSIONS, FUNCTIONS

LARGE = 64
"""From how many elements on a constant is read from the arrays instead of written out."""
_NAMES = ("F", "arrays", "inf", "mg", "nan", "nn", "np", "ops", "reduce", "self")
_TAKEN = {*keyword.kwlist, *keyword.softkwlist, *vars(builtins), *_NAMES}
_HEAD = '''"""{title}"""

from functools import reduce
from math import inf, nan

import numpy as np

import micrograd_np as mg
from micrograd_np import functional as F
from micrograd_np import nn
from micrograd_np.onnx.reading import operators as ops


class {name}(nn.Module):
    """Made of the arrays of the model it was written from: ``{name}(model.arrays())``."""

    def __init__(self, arrays):
'''


class Writer:
    """Writes one module. `held` are the parameters and buffers of the model, by name."""

    def __init__(self, graph: Graph, held: Mapping[str, Any], constants: Mapping[str, Any]) -> None:
        self.graph, self.held, self.constants = graph, held, {**constants, **graph.constants}
        self.identifiers: dict[str, str] = {}
        self.taken = set(_TAKEN)
        self.attributes: dict[str, str] = {}
        """By name of a parameter, a buffer or a large constant: the attribute that it is, if it is in no layer."""
        self.layers: list[str] = []
        self.creation: list[str] = []
        self.state: list[str] = []
        self.lines: list[str] = []
        self.ranks: dict[str, int] = {}
        self.uses = Counter(name for node in graph.nodes for name in (*node.tensors, *node.named.values()))
        self.uses.update(graph.outputs)

    def text(self, name: str, title: str) -> str:
        """The source of the module."""
        arguments = [self.name(x) for x in self.graph.inputs]
        self.lines += [f"{x} = mg.as_tensor({x})" for x in map(self.name, self.graph.inputs)]
        for node in self.graph.nodes:
            try:
                self.write(node, self.constants, self.value)
            except OnnxError:
                raise
            except (IndexError, KeyError, TypeError, ValueError) as error:
                raise OnnxError(f"to_python: {node.label}: {error}") from error
        self.lines.append(f"return {', '.join(map(self.value, self.graph.outputs))}")
        entries = (f"        {x}," for x in self.state)
        state = ["self.load_state_dict(", "    {", *entries, "    },", "    assign=True,", ")"]
        creation = [*self.layers, *(state if self.state else ()), *self.creation] or ["pass"]
        forward = f"\n    def forward(self, {', '.join(arguments)}):\n".replace("self, )", "self)")
        before, after = ("".join(f"        {line}\n" for line in part) for part in (creation, self.lines))
        return _HEAD.format(title=title, name=name) + before + forward + after

    def name(self, value: str) -> str:
        """The identifier of a value."""
        if value not in self.identifiers:
            self.identifiers[value] = self.fresh(value)
        return self.identifiers[value]

    def fresh(self, hint: str) -> str:
        """An identifier like `hint` that is not taken."""
        stem = re.sub(r"[^0-9A-Za-z_]+", "_", hint.removesuffix("_output_0")).strip("_") or "x"
        stem = f"x_{stem}" if stem[0].isdecimal() else stem
        name, number = stem, 2
        while name in self.taken or hasattr(Module, name):
            name, number = f"{stem}_{number}", number + 1
        self.taken.add(name)
        return name

    def value(self, name: str) -> str:
        """A value of the graph in an expression."""
        if not name:
            return "None"
        if name in self.held and isinstance(self.held[name], Buffer) and not self.held[name].ndim:
            return literal(self.held[name].data)
        if name in self.held or (name in self.constants and np.size(self.constants[name]) > LARGE):
            if name not in self.attributes:
                self.attributes[name] = self.fresh(name)
                kind = f"nn.{type(self.held[name]).__name__}" if name in self.held else "np.asarray"
                self.creation.append(f"self.{self.attributes[name]} = {kind}(arrays[{name!r}])")
            return f"self.{self.attributes[name]}"
        return tensor_literal(self.constants[name]) if name in self.constants else self.name(name)

    def write(self, node: Node, constants: Mapping[str, Any], value: Callable[[str], str]) -> None:
        """The line of a node; of a function, those of its body."""
        if node.operator == "Call":
            return self._call(node, value)
        if node.operator in BODIES:
            raise OnnxError(f"to_python: {node.label} is control flow, which has no text; use the model as it is.")
        fixed = {k: setting(constants[name]) for k, name in node.named.items() if name in constants}
        settings = {**node.settings, **fixed}
        rest = {k: value(name) for k, name in node.named.items() if name not in constants}
        layer = LAYERS.get(node.operator)
        text = layer(self, node, settings) if layer and value == self.value and not rest else None
        texts = {k: literal(v) for k, v in settings.items()} | rest
        text = text or _expression(node, list(map(value, node.tensors)), texts)
        targets = [value(x) if x else "_" for x in node.outputs]
        if node.operator in SEVERAL and len(targets) == 1:
            text = f"{text}[0]"
        elif node.operator in SEVERAL:
            targets.append("*_")
        self.lines.append(f"{', '.join(targets)} = {text}")
        if node.tensors and node.tensors[0] in self.ranks and node.operator in KEEP_RANK:
            self.ranks[node.outputs[0]] = self.ranks[node.tensors[0]]
        return None

    def _call(self, node: Node, value: Callable[[str], str]) -> None:
        body = node.settings["body"]
        outer = [*map(value, node.tensors), *["None"] * len(body.inputs)]
        own = dict(zip(body.inputs, outer, strict=False))

        def inner(name: str) -> str:
            if not name:
                return "None"
            if name not in own:
                own[name] = tensor_literal(body.constants[name]) if name in body.constants else self.fresh(name)
            return own[name]

        for line in body.nodes:
            self.write(line, body.constants, inner)
        for name, result in zip(node.outputs, body.outputs, strict=True):
            self.lines.append(f"{self.name(name) if value == self.value else value(name)} = {inner(result)}")

    # layers: a node whose weights nothing else reads is one, if ours computes the same

    def layer(
        self, node: Node, kind: str, sizes: tuple[Any, ...], state: Mapping[str, str], rank: int = 0, **more: Any
    ) -> str:
        """Add a layer, and say how it is called; `state` says which array each of its parameters is."""
        w = next(x for x in state.values() if x)
        name = self.fresh(w.rpartition(".")[0] or kind.rstrip("123d").lower())
        more = {**more, "bias": bool(state["bias"])} if "bias" in state else more
        settings = [*map(repr, sizes), *(f"{k}={v!r}" for k, v in more.items() if v is not True)]
        if self.held[w].dtype != np.float64:
            settings.append(f"dtype=np.{self.held[w].dtype}")
        self.layers.append(f"self.{name} = nn.{kind}({', '.join(settings)})")
        self.state += [f'"{name}.{k}": arrays[{v!r}]' for k, v in state.items() if v]
        self.ranks[node.outputs[0]] = rank
        return f"self.{name}"

    def own(self, names: list[str]) -> bool:
        """Whether these are parameters or buffers that nothing else reads."""
        return all(x in self.held and self.uses[x] == 1 for x in names if x)


def tensor_literal(x: Any) -> str:
    """An array to compute with: floating numbers as a constant tensor, others as NumPy's, for they may be shapes."""
    return f"mg.constant({literal(x)})" if x.ndim and x.dtype.kind == "f" else literal(x)


def literal(x: Any) -> str:
    """A number, a text, an array or several of them in Python."""
    if isinstance(x, (np.ndarray, np.generic)):
        if not x.ndim:
            return f"np.{x.dtype}({x.item()!r})"
        return f"np.array({x.ravel().tolist()!r}, np.{x.dtype})" + (f".reshape({x.shape})" if x.ndim > 1 else "")
    return repr(x)


def _expression(node: Node, tensors: list[str], settings: dict[str, str]) -> str:
    """The rule of a node with its arguments in their places."""
    if node.operator in FUNCTIONS:
        function = FUNCTIONS[node.operator]
        _, _, defaults = parameters(node.operator)
        keywords = [f"{k}={v}" for k, v in settings.items() if v != repr(defaults.get(k, inspect.Parameter.empty))]
        place = "ops" if function.__module__.endswith("operators") else f"ops.{function.__module__.rpartition('.')[2]}"
        name = next(k for k, v in vars(inspect.getmodule(function)).items() if v is function)
        return f"{place}.{name}({', '.join([*tensors, *keywords])})"
    tree = ast.parse(EXPRESSIONS[node.operator], mode="eval")
    named = {**dict(zip("xyz", [*tensors, *["None"] * 3], strict=False)), "xs": f"[{', '.join(tensors)}]"}
    return ast.unparse(_simplified(_Fill({**named, **settings}).visit(tree).body))


class _Fill(ast.NodeTransformer):
    """Puts the texts of arguments in the places of their names."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self.named = named

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """What stands for a name."""
        return ast.parse(self.named[node.id], mode="eval").body if node.id in self.named else node


def _simplified(tree: Any) -> Any:
    """The branch that is taken, where a condition is a constant; the alternative to None or 0."""
    for name, field in ast.iter_fields(tree):
        if isinstance(field, ast.AST):
            setattr(tree, name, _simplified(field))
        elif isinstance(field, list):
            setattr(tree, name, [_simplified(x) if isinstance(x, ast.AST) else x for x in field])
    if isinstance(tree, ast.IfExp) and isinstance(tree.test, ast.Constant):
        return tree.body if tree.test.value else tree.orelse
    if isinstance(tree, ast.BoolOp) and isinstance(tree.values[0], ast.Constant):
        return tree.values[0] if tree.values[0].value else tree.values[1]
    return tree


def _linear(self: Writer, node: Node, s: dict[str, Any]) -> str | None:
    x, w, b = [*node.tensors, ""][:3]
    plain = s["transb"] and not s["transa"] and s["alpha"] == s["beta"] == 1
    if (
        not plain
        or not self.own([w, b])
        or self.held[w].ndim != 2
        or (b and self.held[b].shape != self.held[w].shape[:1])
    ):
        return None
    layer = self.layer(node, "Linear", self.held[w].shape[::-1], {"weight": w, "bias": b}, rank=2)
    return f"{layer}({self.value(x)})"


def _conv(self: Writer, node: Node, s: dict[str, Any]) -> str | None:
    x, w, b = [*node.tensors, ""][:3]
    if not self.own([w, b]) or not 1 <= (d := self.held[w].ndim - 2) <= 3 or s.get("auto_pad", "NOTSET") != "NOTSET":
        return None
    zeros, ones, group = (0,) * d, (1,) * d, s.get("group", 1)
    pads, extra = s.get("pads") or zeros * 2, s.get("output_padding") or zeros
    strides, dilations = s.get("strides") or ones, s.get("dilations") or ones
    if pads[:d] != pads[d:] or s.get("output_shape") or any(map(lambda m, *n: m >= max(n), extra, strides, dilations)):
        return None
    first, second, *kernel = self.held[w].shape
    sizes = (first, second * group) if node.operator == "ConvTranspose" else (second * group, first)
    settings = {"stride": (strides, ones), "padding": (pads[:d], zeros), "output_padding": (extra, zeros)}
    settings |= {"dilation": (dilations, ones), "groups": (group, 1)}
    more = {k: v for k, (v, default) in settings.items() if v != default}
    state = {"weight": w, "bias": b}
    layer = self.layer(node, f"{node.operator}{d}d", (*sizes, tuple(kernel)), state, rank=d + 2, **more)
    return f"{layer}({self.value(x)})"


def _batch_norm(self: Writer, node: Node, s: dict[str, Any]) -> str | None:
    x, *arrays = node.tensors
    rank = self.ranks.get(x, 0)
    if not self.own(arrays) or s.get("training_mode") or len(node.outputs) > 1 or rank not in {2, 3, 4, 5}:
        return None
    state = dict(zip(("weight", "bias", "running_mean", "running_var"), arrays, strict=True))
    sizes = self.held[arrays[0]].shape
    return f"{self.layer(node, f'BatchNorm{max(rank - 2, 1)}d', sizes, state, rank, eps=s['epsilon'])}({self.value(x)})"


def _layer_norm(self: Writer, node: Node, s: dict[str, Any]) -> str | None:
    x, w, b = [*node.tensors, ""][:3]
    if not self.own([w, b]) or s["axis"] != -1 or self.held[w].ndim != 1 or len(node.outputs) > 1:
        return None
    state = {"weight": w, "bias": b}
    return f"{self.layer(node, 'LayerNorm', self.held[w].shape, state, eps=s['epsilon'])}({self.value(x)})"


def _embedding(self: Writer, node: Node, s: dict[str, Any]) -> str | None:
    w, x = node.tensors
    if not self.own([w]) or self.held[w].ndim != 2 or s["axis"] or x in self.constants:
        return None
    return f"{self.layer(node, 'Embedding', self.held[w].shape, {'weight': w})}({self.value(x)})"


def _recurrent(self: Writer, node: Node, s: dict[str, Any]) -> str | None:
    x, w, r, b, *states = [*node.tensors, "", "", ""][:6]
    kind = node.operator
    states = states if kind == "LSTM" else states[:1]
    plain = s.get("direction") != "reverse" and set(s.get("activations") or ()) <= {"Tanh"} and not s.get("layout")
    if not self.own([w, r, b]) or not plain or any(states) != all(states):
        return None
    if kind == "GRU" and not s.get("linear_before_reset"):
        return None
    directions, rows, features = self.held[w].shape
    sizes, more = (features, self.held[r].shape[2]), {"bidirectional": True} if directions == 2 else {}
    name = self.fresh(w.rpartition(".")[0] or kind.lower())
    text = "".join(f", {k}={v}" for k, v in {**more, **({} if b else {"bias": False})}.items())
    dtype = "" if self.held[w].dtype == np.float64 else f", dtype=np.{self.held[w].dtype}"
    self.layers.append(f"self.{name} = nn.{kind}({sizes[0]}, {sizes[1]}{text}{dtype})")
    parts = {"weight_ih": (w, ""), "weight_hh": (r, "")}
    parts |= {"bias_ih": (b, f"[:{rows}]"), "bias_hh": (b, f"[{rows}:]")} if b else {}
    for d in range(directions):
        for k, (array, part) in parts.items():
            own = f"ops.recurrent.rows(arrays[{array!r}][{d}]{part}, {kind!r})"
            self.state.append(f'"{name}.{k}_l0{"_reverse" * d}": {own}')
    start = ", ".join(map(self.value, states)) if all(states) else ""
    start = f", ({start})" if kind == "LSTM" and start else f", {start}" if start else ""
    return f"ops.recurrent.by_direction(self.{name}({self.value(x)}{start}), {directions})"


LAYERS: dict[str, Callable[..., str | None]] = {
    "BatchNormalization": _batch_norm, "Conv": _conv, "ConvTranspose": _conv, "GRU": _recurrent, "Gather": _embedding,
    "Gemm": _linear, "LSTM": _recurrent, "LayerNormalization": _layer_norm, "RNN": _recurrent,
}  # fmt: skip
SEVERAL = {"Dropout", "GRU", "LSTM", "RNN", "Split", "TopK"}
"""The operators whose rules give a tuple, however many outputs are wanted."""
KEEP_RANK = {
    "Add", "AveragePool", "BatchNormalization", "Clip", "Dropout", "Elu", "HardSigmoid", "HardSwish", "Identity",
    "LeakyRelu", "MaxPool", "Mul", "PRelu", "Relu", "Sigmoid", "Sub", "Tanh",
}  # fmt: skip
"""The operators whose first output has as many axes as the first input has, or, with a constant, nearly always."""
