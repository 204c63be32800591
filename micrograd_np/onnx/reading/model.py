"""`load`: an ONNX file as a module that trains on."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np import nn
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.parameter import Buffer, Parameter
from micrograd_np.onnx.error import OnnxError

from .file import read
from .graph import BODIES, Graph, parameters
from .source import Writer

_STATISTICS = ("running_mean", "running_var")


class ImportedModel(nn.Module):
    """What `load` gives: the graph of an ONNX file, run operator by operator.

    Inputs are tensors, arrays or lists, in order or by name; the result is a tensor, or a tuple of several. OnnxError
    for inputs of other shapes than the file declares, and, with the node, for what an operator cannot do.

    >>> from onnx import TensorProto, helper
    >>> x, y, z = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, [2]) for name in "xyz")
    >>> model = load(helper.make_model(helper.make_graph([helper.make_node("Sub", "xy", "z")], "minus", [x, y], [z])))
    >>> model.inputs, model([3.0, 2.0], y=[1.0, 1.0])
    (['x', 'y'], Tensor([2., 1.]))
    """

    def __init__(
        self, graph: Graph, arrays: dict[str, np.ndarray[Any, Any]], declared: list[Any], untrained: set[str]
    ) -> None:
        self._graph, self._declared = graph, [_Input(x) for x in declared]
        learned, read_as_tensors = _uses(graph)
        learned -= untrained
        self._names, self._constants = [], {}
        for name, array in arrays.items():
            floating = array.dtype.kind == "f"
            if floating and hasattr(nn.Module, name):
                raise OnnxError(f"load: the initializer {name!r} has the name of a method of modules; rename it.")
            statistic = name.rpartition(".")[2] in _STATISTICS
            if floating and name in learned and array.ndim and not statistic and np.isfinite(array).all():
                setattr(self, name, Parameter(array))
            elif floating and name in read_as_tensors:
                setattr(self, name, Buffer(array))
            else:
                self._constants[name] = array
                continue
            self._names.append(name)

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs, in order."""
        return list(self._graph.inputs)

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs, in order."""
        return list(self._graph.outputs)

    def forward(self, *args: Any, **named: Any) -> Any:
        """The output, or a tuple if there are several, as tensors; inputs in order or by name."""
        if len(args) > len(self._declared):
            raise OnnxError(f"the model takes {len(self.inputs)}, {', '.join(self.inputs)}; found {len(args)} inputs.")
        inputs = {**dict(zip(self.inputs, args, strict=False)), **named}
        scope: dict[str, Any] = {**self._constants, **{name: getattr(self, name) for name in self._names}}
        for x in self._declared:
            if x.name not in inputs:
                raise OnnxError(f"the model needs the input {x.name!r}; it takes {', '.join(self.inputs)}.")
            scope[x.name] = x.checked(inputs.pop(x.name))
        if inputs:
            raise OnnxError(
                f"the model has no input {', '.join(map(repr, inputs))}; it takes {', '.join(self.inputs)}."
            )
        results = tuple(map(_result, self._graph.run(scope)))
        return results[0] if len(results) == 1 else results

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies of every array by name: parameters, buffers, and what is fixed; see `to_python`."""
        return {**self._constants, **self._graph.constants, **self.state_dict()}

    def to_python(self, name: str = "Network") -> str:
        """The model as the source of a module called `name`, to read and to change.

        It has layers of `nn` where a node is one and nothing else reads its weights, parameters elsewhere, and a line
        for each operator. ``Network(model.arrays())`` makes it; in evaluation mode it computes the same bits. (In
        training its batch norms learn, as ours do.) OnnxError for control flow, which has no text. Values that are
        fixed, of more than 64 elements, stay among the arrays.

        >>> from onnx import TensorProto, helper
        >>> x, y = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 2]) for name in "xy")
        >>> w = helper.make_tensor("fc.weight", TensorProto.DOUBLE, [2, 2], [1.0, 0.0, 0.0, 1.0])
        >>> gemm = helper.make_node("Gemm", ["x", "fc.weight"], ["h"], transB=1)
        >>> graph = helper.make_graph([gemm, helper.make_node("Relu", ["h"], ["y"])], "small", [x], [y], [w])
        >>> model = load(helper.make_model(graph))
        >>> print(model.to_python().partition("def __init__")[2])
        (self, arrays):
                self.fc = nn.Linear(2, 2, bias=False)
                self.load_state_dict(
                    {
                        "fc.weight": arrays['fc.weight'],
                    },
                    assign=True,
                )
        <BLANKLINE>
            def forward(self, x):
                x = mg.as_tensor(x)
                h = self.fc(x)
                y = F.relu(h)
                return y
        <BLANKLINE>
        """
        held = {x: getattr(self, x) for x in self._names}
        writer = Writer(self._graph, held, self._constants)
        writer.ranks.update({x.name: len(x.shape) for x in self._declared if x.shape is not None})
        return writer.text(name, "An imported network.")

    def extra_repr(self) -> str:
        """Inputs, outputs, and the number of operators."""
        count = len(self._graph.nodes)
        return f"{', '.join(self.inputs)} -> {', '.join(self.outputs)}: {count} operator{'s' * (count != 1)}"


class _Input:
    """What a model declares of an input: its kind of elements and its lengths, where they are fixed."""

    def __init__(self, declared: Any) -> None:
        self.name = declared.name
        tensor = declared.type.tensor_type
        self.is_tensor = declared.type.WhichOneof("value") == "tensor_type"
        self.shape = None
        if self.is_tensor and tensor.HasField("shape"):
            self.shape = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]

    def checked(self, x: Any) -> Any:
        """The input as a tensor; OnnxError for another shape."""
        if not self.is_tensor:
            return x if x is None else [_argument(y) for y in x] if isinstance(x, (list, tuple)) else _argument(x)
        x = _argument(x)
        expected = self.shape
        if expected is not None and (
            len(expected) != x.ndim or any(n not in (None, m) for n, m in zip(expected, x.shape, strict=True))
        ):
            shape = tuple("?" if n is None else n for n in expected)
            raise OnnxError(
                f"the input {self.name!r} is {tuple(x.shape)}; the model takes {shape}.".replace("'?'", "?")
            )
        return x


def _argument(x: Any) -> Any:
    return x if isinstance(x, Tensor) else Tensor(x)


def _result(x: Any) -> Any:
    if isinstance(x, Tensor) or x is None:
        return x
    return [_result(y) for y in x] if isinstance(x, list) else as_constant(x)  # of constants and shapes only


def _uses(graph: Graph) -> tuple[set[str], set[str]]:
    """What nodes read as tensors: the part of which gradients make sense, and all."""
    learned: set[str] = set()
    tensors: set[str] = set(graph.outputs)
    for node in graph.nodes:
        positional, _, _ = parameters(node.operator)
        for name, formal in zip(node.tensors, [*positional, *[""] * len(node.tensors)], strict=False):
            tensors.add(name)
            learned.update([name] if formal not in _STATISTICS else [])
        for body in node.settings.values() if node.operator in BODIES else ():
            if isinstance(body, Graph):
                more = _uses(body)
                learned |= more[0]
                tensors |= more[1]
    return learned, tensors


def load(source: Any) -> ImportedModel:
    """A model from an ONNX file, as a module that computes the same and trains on.

    `source` is a path, the file's bytes, an open file, or a message of the package onnx. Weights that lie in other
    files are read from the model's own folder only. Its arrays keep their names, in `state_dict` too:

    - a **parameter** is an initializer of floating numbers that has axes, is finite everywhere, and that an
      operator computes with, rather than reads as a setting;
    - a **buffer** is another floating initializer that is computed with: a single number, a mask with −∞ in it, the
      running statistics of a batch normalisation, which an operator or a name shows to be some, and what `export`
      found to be no parameter;
    - the rest, such as shapes, axes, bounds and scales, is fixed.

    The model computes what the file says, which for a file made to be used means that dropout drops nothing and batch
    normalisation uses its running statistics, in training too. Opsets 7 to the newest that onnx knows; element types
    that NumPy has: no bfloat16, float8 or text. An operator without a rule of ours runs by its body in the standard, or
    is refused by name.

    FileNotFoundError if there is no such file; OnnxError, in one sentence, for a file that is broken, contradicts
    itself or needs what is not supported, before any array of a false size is made.

    >>> from onnx import TensorProto, helper
    >>> x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    >>> y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    >>> w = helper.make_tensor("fc.weight", TensorProto.FLOAT, [1, 2], [1.0, -1.0])
    >>> gemm = helper.make_node("Gemm", ["x", "fc.weight"], ["y"], transB=1)
    >>> graph = helper.make_graph([gemm], "difference", [x], [y], [w])
    >>> model = load(helper.make_model(graph))
    >>> model
    ImportedModel(x -> y: 1 operator)
    >>> model([[3.0, 2.0]])
    Tensor([[1.]], op=matmul)
    >>> [name for name, _ in model.named_parameters()]
    ['fc.weight']
    """
    return ImportedModel(*read(source))
