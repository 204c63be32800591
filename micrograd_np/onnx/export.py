"""`export`: a module, or a function of tensors, as an ONNX model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, helper

from micrograd_np.compiler.error import CompileError
from micrograd_np.compiler.ir import Op, Value, values_in
from micrograd_np.compiler.program import Program
from micrograd_np.compiler.tracing.trace import trace
from micrograd_np.core.messages import require_type, require_value
from micrograd_np.core.trees import instances
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module

from .error import OnnxError
from .graph import Graph
from .operators import OPERATORS
from .sizes import Size, Sizes

_WHOLE = frozenset(name.partition(".")[2] for name in OPERATORS if name.startswith("primitive."))
_LARGEST = 2**31 - 2**20  # bytes that a file of the protocol may have, with room for the nodes
_UPDATES = frozenset(("setitem", "routine.clear"))  # that a new array can stand for
_NEWEST = 26  # the operator set up to which this was tried


def export(
    model: Any,
    args: Any,
    path: str | Path | None = None,
    *,
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dtype: Any = np.float32,
    opset: int = 18,
) -> ModelProto:
    """Write what ``model(*args)`` computes as an ONNX model to `path`, and return it.

    - `model`: a Module, in evaluation mode whatever mode it is in, or a function of tensors.
    - `args`: a tensor or array, or a tuple of them, whose shapes and dtypes are those of the model's inputs.
    - `dynamic`: axes of any length, by input and axis, each with a name: ``{"x": {0: "batch"}}``.
    - `input_names`, `output_names`: by default the names of the model's parameters, and "output".
    - `dtype`: of all floats: float32, which every runtime computes in, or float64, where operators without float64
      kernels are written out in others.
    - `opset`: the version of the operators, at least 18. The IR version is the lowest that it allows, at least 8.

    Parameters and buffers keep their names. A model that is larger than 2 GB, the limit of the format, has its
    parameters in a second file, ``path`` with ``.data`` at the end. `OnnxError`, with the line, for what ONNX cannot
    say, and for branches that depend on values.

    >>> import micrograd_np as mg
    >>> net = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU())
    >>> model = export(net, np.zeros((1, 2)), dynamic={"input": {0: "n"}})
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Relu']
    """
    require_type("export", "model", model, callable(model) and not isinstance(model, type), "a Module or a function")
    require_value("export", "opset", opset, opset in range(18, _NEWEST + 1), f"a version from 18 to {_NEWEST}")
    require_value("export", "dtype", dtype, np.dtype(dtype) in (np.float32, np.float64), "float32 or float64")
    inputs = [np.asarray(getattr(x, "data", x)) for x in (args if isinstance(args, (tuple, list)) else (args,))]
    names = list(input_names) if input_names is not None else _names_of(model, len(inputs))
    if len(names) != len(inputs):
        raise ValueError(f"export: there are {len(inputs)} inputs and {len(names)} input_names.")
    axes = _open_axes(dynamic or {}, dict(zip(names, inputs, strict=True)))
    modes = [(m, m.training) for m in model.modules()] if isinstance(model, Module) else []
    try:
        for module, _ in modes:
            module.training = False
        program = _traced(model, names, inputs)
        sizes = _compared(model, names, inputs, axes, program) if axes else None
    finally:
        for module, mode in modes:
            module.training = mode
    graph = _written(program, names, model, np.dtype(dtype), sizes, axes)
    result = _model(graph, program, names, output_names, opset)
    if path is not None:
        _save(result, Path(path))
    return result


def _names_of(model: Any, count: int) -> list[str]:
    """What the model's function calls its first arguments."""
    import inspect

    function = model.forward if isinstance(model, Module) else model
    parameters = list(inspect.signature(function).parameters.values())
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = plain[:count]
    return names + [f"input_{i}" for i in range(len(names), count)]


def _open_axes(dynamic: Mapping[str, Mapping[int, str]], inputs: Mapping[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """By name of an open axis: the inputs and axes that have its length."""
    axes: dict[str, list[tuple[str, int]]] = {}
    for name, named_axes in dynamic.items():
        named: Mapping[Any, str] = named_axes
        require_value("export", "dynamic", name, name in inputs, f"about inputs, which are {', '.join(inputs)}")
        for axis, called in named.items():
            array = inputs[name]
            suits = isinstance(axis, int) and -array.ndim <= axis < array.ndim
            require_value("export", f"dynamic[{name!r}]", axis, suits, f"an axis of {array.shape}")
            axes.setdefault(called, []).append((name, axis % array.ndim))
    for called, places in axes.items():
        lengths = {inputs[name].shape[axis] for name, axis in places}
        if len(lengths) > 1:
            raise ValueError(f"export: the axis {called!r} has {len(lengths)} lengths among args: {sorted(lengths)}.")
    return axes


def _traced(model: Callable[..., Any], names: Sequence[str], inputs: Sequence[Any]) -> Program:
    """The program of one call."""
    tensors = [Tensor(x) for x in inputs]
    names_by_id = {id(t): name for name, t in _named(model)}
    arrays = [(name, t.data) for name, t in zip(names, tensors, strict=True)]
    try:
        with no_grad():
            _, program = trace(model, tensors, arrays, "export", (), names_by_id, _WHOLE)
    except CompileError as error:
        raise OnnxError(f"export: {str(error).removeprefix('compile: ')}") from None
    if program.stores:
        raise OnnxError("export: the model changes memory that outlives the call, which an ONNX graph cannot do.")
    return program


def _named(model: Any) -> list[tuple[str, Any]]:
    return [*model.named_parameters(), *model.named_buffers()] if isinstance(model, Module) else []


def _compared(
    model: Any, names: Sequence[str], inputs: Sequence[Any], axes: Mapping[str, list[tuple[str, int]]], first: Program
) -> Sizes:
    """The program of one call more for each open axis, with one element more along it, and of one with all of them."""

    def longer(*called: str) -> Program:
        arrays = dict(zip(names, inputs, strict=True))
        for axis_name in called:
            for name, axis in axes[axis_name]:
                array = arrays[name]
                arrays[name] = np.take(array, [*range(array.shape[axis]), 0], axis=axis)
        return _traced(model, names, list(arrays.values()))

    lengths = {
        called: dict(zip(names, inputs, strict=True))[places[0][0]].shape[places[0][1]]
        for called, places in axes.items()
    }
    return Sizes(first, {called: longer(called) for called in axes}, longer(*axes), lengths)


def _written(
    program: Program, names: Sequence[str], model: Any, dtype: Any, sizes: Sizes | None,
    axes: Mapping[str, list[tuple[str, int]]],
) -> Graph:  # fmt: skip
    """The graph of a program."""
    graph = Graph(dtype, sizes)
    for name, v in zip(names, program.inputs, strict=True):
        graph.names[v] = graph.fresh(name)
    graph.open = {called: places[0] for called, places in axes.items()}
    called = {id(t.data): name for name, t in _named(model)}
    ops = _needed(program)
    for v in dict.fromkeys(v for op in ops for v in op.reads if v.op is None):
        _source(graph, v, called)
    for v in values_in(program.results):
        if v.op is None and v not in graph.names:
            _source(graph, v, called)
    partners = {id(op): [p.ops[i] for p in sizes.programs] for i, op in enumerate(program.ops)} if sizes else {}
    for op in ops:
        convert = OPERATORS.get(op.function)
        if convert is None or (op.effect == "update" and op.function not in _UPDATES):
            raise graph.refuse(op, "has no equivalent")
        arguments, settings = op.args, op.kwargs
        if sizes is not None:
            others = partners[id(op)]
            arguments = sizes.of(arguments, [other.args for other in others])
            settings = sizes.of(settings, [other.kwargs for other in others])
        assert op.result is not None
        graph.names[op.result] = convert(graph, op, *arguments, **settings)
        if not graph.names[op.result] and op.result in values_in(program.results):
            raise graph.refuse(op, "has no equivalent")
    return graph


def _needed(program: Program) -> list[Op]:
    """The operations of which something is left in the results."""
    needed = set(values_in(program.results))
    kept = []
    for op in reversed(program.ops):
        if op.result in needed:
            kept.append(op)
            needed.update(op.reads)
    return kept[::-1]


def _source(graph: Graph, v: Value, called: Mapping[int, str]) -> None:
    """A parameter, a buffer or a constant."""
    if v in graph.names:
        return
    memory = v.memory
    assert memory is not None
    array = memory.array
    shape = graph.shapes(v)
    if any(isinstance(n, Size) for n in shape):
        graph.names[v] = _stretched(graph, v, array, shape)
    elif memory.kind == "state" and id(array) in called:
        graph.names[v] = graph.initializer(called[id(array)], array)
    else:
        graph.names[v] = graph.constant(array, array.dtype)


def _stretched(graph: Graph, v: Value, array: Any, shape: Sequence[int]) -> str:
    """A constant whose shape depends on open axes: all of one number, or the numbers from 0 on."""
    if array.size and (array == array.flat[0]).all():
        return graph.node("Expand", graph.constant(array.flat[0], array.dtype), graph.sizes(shape))
    if array.ndim == 1 and np.array_equal(array, np.arange(array.size)):
        limit = graph.node("Squeeze", graph.sizes(shape))
        return graph.cast(
            graph.node("Range", graph.constant(np.int64(0)), limit, graph.constant(np.int64(1))), array.dtype
        )
    called = v.label.name or v.label.hint or "of the model"
    raise OnnxError(
        f"export: a constant of shape {array.shape} ({called}) grows with an open axis; compute it from an input, or "
        f"leave the axis out of dynamic."
    )


def _model(
    graph: Graph, program: Program, names: Sequence[str], output_names: Sequence[str] | None, opset: int
) -> ModelProto:
    results = list(instances(program.results, Value))
    outputs = list(output_names) if output_names is not None else _outputs(len(results))
    if len(outputs) != len(results):
        raise ValueError(f"export: there are {len(results)} outputs and {len(outputs)} output_names.")
    for name, v in zip(outputs, results, strict=True):
        if name in graph.taken:
            raise ValueError(f"export: the output name {name!r} is the name of something else; say output_names.")
        graph.nodes.append(helper.make_node("Identity", [graph.names[v]], [name], name=f"Identity/{name}"))
    _without_identities(graph, outputs)
    _with_bias(graph)
    ins = [_info(graph, name, v) for name, v in zip(names, program.inputs, strict=True)]
    outs = [_info(graph, name, v) for name, v in zip(outputs, results, strict=True)]
    main = helper.make_graph(graph.nodes, "model", ins, outs, initializer=list(graph.initializers.values()))
    opsets = [helper.make_opsetid("", opset)]
    version = max(8, helper.find_min_ir_version_for(opsets))
    return helper.make_model(main, opset_imports=opsets, ir_version=version, producer_name="micrograd_np")


def _outputs(count: int) -> list[str]:
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]


def _without_identities(graph: Graph, outputs: Sequence[str]) -> None:
    """Let the node that computes an output have its name, where nothing else reads it and it is computed once."""
    reads = [name for node in graph.nodes for name in node.input]
    makers = {name: node for node in graph.nodes for name in node.output}
    for node in [node for node in graph.nodes if node.op_type == "Identity" and node.output[0] in outputs]:
        source = node.input[0]
        if source in makers and reads.count(source) == 1:
            maker = makers[source]
            maker.output[list(maker.output).index(source)] = node.output[0]
            graph.nodes.remove(node)


def _with_bias(graph: Graph) -> None:
    """Let a convolution add its bias itself: a parameter, shaped as (channels, 1, …), that is added to it alone."""
    reads = Counter(name for node in graph.nodes for name in node.input)
    makers = {name: node for node in graph.nodes for name in node.output}
    for node in [node for node in graph.nodes if node.op_type == "Add"]:
        product, shaped = (makers.get(name) for name in node.input)
        if product is None or shaped is None or shaped.op_type != "Reshape" or len(product.input) != 2:
            continue
        bias = graph.initializers.get(shaped.input[0])
        alone = reads[node.input[0]] == reads[node.input[1]] == 1
        if product.op_type in ("Conv", "ConvTranspose") and alone and bias is not None and len(bias.dims) == 1:
            product.input.append(shaped.input[0])
            product.output[0] = node.output[0]
            graph.nodes.remove(node)
            graph.nodes.remove(shaped)


def _info(graph: Graph, name: str, v: Value) -> Any:
    shape = [_length(n) for n in graph.shapes(v)]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(graph.type_of(v.dtype)), shape)


def _length(n: int) -> int | str | None:
    """A length as the format has it: a number, the name of an open axis, or nothing for what depends on one."""
    if not isinstance(n, Size):
        return int(n)
    return next(iter(n.factors)) if n.factors is not None and [*n.factors.values()] == [1] and not n.rest else None


def _save(model: ModelProto, path: Path) -> None:
    onnx.save(model, str(path), save_as_external_data=model.ByteSize() > _LARGEST, location=f"{path.name}.data")
