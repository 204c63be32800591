"""A graph that has been read: nodes bound to rules, and how they run, those with a body included."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from typing import Any

import numpy as np

from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.onnx.error import OnnxError

from .operators import rule, values


@dataclass
class Node:
    """An operator with what it reads: tensors in order, and settings, each a value or a name."""

    label: str
    operator: str
    tensors: list[str]
    settings: dict[str, Any]
    named: dict[str, str]
    """By setting: the tensor that it is read from."""
    outputs: list[str]

    def run(self, scope: dict[str, Any]) -> Any:
        """What the operator gives: one value, or a tuple."""
        arguments = [scope[name] if name else None for name in self.tensors]
        if self.operator in BODIES:
            return BODIES[self.operator](scope, *arguments, **self.settings)
        if any(isinstance(x, Tensor) for x in arguments):  # arrays come of constants and shapes: a step may keep them
            arguments = [as_constant(x) if isinstance(x, np.ndarray) else x for x in arguments]
        function = rule(self.operator)
        assert function is not None
        return function(*arguments, **self.settings, **{k: setting(scope[name]) for k, name in self.named.items()})


_LONGEST = 400  # characters of a sentence
_FAILURES = (AttributeError, LookupError, MemoryError, OverflowError, TypeError, ValueError, ZeroDivisionError)


@dataclass
class Graph:
    """Nodes in order, constants, and the names of what goes in and what comes out."""

    inputs: list[str]
    outputs: list[str]
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def run(self, scope: dict[str, Any]) -> list[Any]:
        """The outputs; `scope` has the inputs and what an outer graph computed, and gets what this one does."""
        scope.update(self.constants)
        for node in self.nodes:
            try:
                results = node.run(scope)
            except OnnxError as error:
                raise OnnxError(f"{node.label}: in its body, {error}") from error
            except _FAILURES as error:
                raise OnnxError(f"{node.label}: {_sentence(error)}") from error
            several = results if isinstance(results, tuple) else (results,)
            if len(several) < len(node.outputs):
                raise OnnxError(f"{node.label}: its output {node.outputs[len(several)]!r} is not supported.")
            scope.update(zip(node.outputs, several, strict=False))
        return [scope[name] for name in self.outputs]


def _sentence(error: Exception) -> str:
    """What an error says, on one line, and of arrays that it shows only the beginning."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def setting(x: Any) -> Any:
    """A setting that is an input: a number, a tuple of numbers, or an array of more axes."""
    if x is None:
        return None
    x = values(x)
    return x if x.ndim > 1 else x.item() if x.ndim == 0 else tuple(x.tolist())


@cache
def parameters(operator: str) -> tuple[list[str], bool, dict[str, Any]]:
    """A rule's tensors, whether it takes more of them, and its settings with their defaults."""
    arguments = inspect.signature(rule(operator) or BODIES[operator]).parameters.values()
    positional = [p.name for p in arguments if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "scope"]
    keyword = {p.name: p.default for p in arguments if p.kind is p.KEYWORD_ONLY}
    return positional, any(p.kind is p.VAR_POSITIONAL for p in arguments), keyword


def choose(scope: dict[str, Any], condition: Any, *, then_branch: Graph, else_branch: Graph) -> Any:
    """If: one of two graphs."""
    return tuple((then_branch if values(condition).item() else else_branch).run(dict(scope)))


def loop(scope: dict[str, Any], trips: Any = None, condition: Any = None, *state: Any, body: Graph) -> Any:
    """Loop: a graph again and again, as often as `trips` says and while its condition holds."""
    carried, scanned, kept, turn = list(state), [], True if condition is None else values(condition).item(), 0
    while kept and (trips is None or turn < values(trips).item()):
        inputs = dict(zip(body.inputs, [np.asarray(turn), np.asarray(kept), *carried], strict=True))
        after, *results = body.run({**scope, **inputs})
        carried, kept, turn = results[: len(state)], values(after).item(), turn + 1
        scanned.append(results[len(state) :])
    if not scanned and len(body.outputs) > 1 + len(state):
        raise ValueError("a loop that never runs has no elements to stack")
    return (*carried, *(np.stack(list(z)) for z in zip(*scanned, strict=True)))


def scan(
    scope: dict[str, Any], *inputs: Any, body: Graph, num_scan_inputs: int, scan_input_axes: Any = None,
    scan_input_directions: Any = None, scan_output_axes: Any = None, scan_output_directions: Any = None, since: int,
) -> Any:  # fmt: skip
    """Scan: a graph for each element of some inputs along an axis, with states that pass from one to the next."""
    if since < 9:
        raise ValueError("the Scan of opset 8, which has a batch axis, is not supported")
    first, zeros = len(inputs) - num_scan_inputs, (0,) * len(inputs)
    state, sequences = list(inputs[:first]), []
    for x, axis, back in zip(inputs[first:], scan_input_axes or zeros, scan_input_directions or zeros, strict=False):
        sequences.append(np.flip(np.moveaxis(x, axis, 0), axis=0) if back else np.moveaxis(x, axis, 0))
    scanned = []
    for t in range(sequences[0].shape[0]):
        results = body.run({**scope, **dict(zip(body.inputs, [*state, *(x[t] for x in sequences)], strict=True))})
        state = results[:first]
        scanned.append(results[first:])
    count = len(body.outputs) - first
    ends, ways = scan_output_axes or (0,) * count, scan_output_directions or (0,) * count
    stacked = [np.stack(list(z), axis=a) for z, a in zip(zip(*scanned, strict=True), ends, strict=True)]
    return (*state, *(np.flip(z, axis=a) if back else z for z, a, back in zip(stacked, ends, ways, strict=True)))


def call(_: dict[str, Any], *inputs: Any, body: Graph) -> Any:
    """A function: a graph that sees its inputs only."""
    return tuple(body.run(dict(zip_longest(body.inputs, inputs))))


BODIES: Mapping[str, Any] = {"Call": call, "If": choose, "Loop": loop, "Scan": scan}
"""The operators with graphs in them: functions of what is known outside, of tensors, and of graphs."""
