"""`export`: a module, or a function of tensors, as an ONNX model."""

from __future__ import annotations

import inspect
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from micrograd_np.compiler.error import CompileError
from micrograd_np.compiler.ir import Op, Value, values_in
from micrograd_np.compiler.program import Program
from micrograd_np.compiler.tracing.captures import Surroundings
from micrograd_np.compiler.tracing.trace import trace
from micrograd_np.core.messages import must_be, require_type, require_value
from micrograd_np.core.modes import mode
from micrograd_np.core.trees import instances
from micrograd_np.core.vertex import preferred_type
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.module_modes import modes_kept
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module
from micrograd_np.nn.parameter import Parameter

from .composites import with_composites
from .error import OnnxError
from .graph import Graph
from .operators import OPERATORS
from .sizes import Size, Sizes

_WHOLE = frozenset(name.partition(".")[2] for name in OPERATORS if name.startswith("primitive."))
_LARGEST = 2**31 - 2**20  # bytes that a file of the protocol may have, with room for the nodes
_SMALLEST, _PAGE = 1024, 4096  # bytes of an array that goes into a second file, and where it begins, to be mapped
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
    - `opset`: the version of the operators, at least 18; what needs a newer one says so. The IR version is the lowest
      that it allows, at least 8.

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
    if isinstance(args, (str, Path)):
        raise TypeError(must_be("export", "args", "example inputs", repr(args), "Write export(model, x, path)."))
    args = args if isinstance(args, (tuple, list)) else (args,)
    inputs = [np.asarray(getattr(x, "data", x)) for x in args]
    kind = preferred_type(Tensor, [*args, *(t for _, t in _named(model))])
    names = list(input_names) if input_names is not None else _names_of(model, len(inputs))
    if len(names) != len(inputs):
        raise ValueError(f"export: there are {len(inputs)} inputs and {len(names)} input_names.")
    axes = _open_axes(dynamic or {}, dict(zip(names, inputs, strict=True)))
    with modes_kept(model if isinstance(model, Module) else None) as modules:
        for module in modules:
            module.training = False
        program = _traced(model, names, inputs, kind)
        sizes = _compared(model, names, inputs, axes, program, kind) if axes else Sizes(program)
    results = list(instances(program.results, Value))
    outputs = list(output_names) if output_names is not None else _outputs(len(results))
    if len(outputs) != len(results):
        raise ValueError(f"export: there are {len(results)} outputs and {len(outputs)} output_names.")
    twice = [name for name, count in Counter([*names, *outputs]).items() if count > 1]
    if twice:
        raise ValueError(f"export: {twice[0]!r} names two inputs or outputs; say input_names and output_names.")
    graph = _written(program, [*names, *outputs], model, Graph(np.dtype(dtype), sizes, opset))
    result = _model(graph, program, names, dict(zip(outputs, results, strict=True)), opset)
    if path is not None:
        _save(result, Path(path))
    return result


def _names_of(model: Any, count: int) -> list[str]:
    """What the model's function calls its first arguments."""
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
        require_type(
            "export", f"dynamic[{name!r}]", named, isinstance(named, Mapping), 'axes by number, as {0: "batch"}'
        )
        for axis, called in named.items():
            array = inputs[name]
            suits = isinstance(axis, int) and -array.ndim <= axis < array.ndim and array.shape[axis] > 0
            require_value("export", f"dynamic[{name!r}]", axis, suits, f"an axis of {array.shape} with elements")
            axes.setdefault(called, []).append((name, axis % array.ndim))
    for called, places in axes.items():
        lengths = {inputs[name].shape[axis] for name, axis in places}
        if len(lengths) > 1:
            raise ValueError(f"export: the axis {called!r} has {len(lengths)} lengths among args: {sorted(lengths)}.")
    return axes


def _traced(model: Callable[..., Any], names: Sequence[str], inputs: Sequence[Any], kind: Any) -> Program:
    """The program of one call with tensors of the class `kind`."""
    tensors = [kind(x) for x in inputs]
    around = Surroundings(model)
    arrays = [(name, t.data) for name, t in zip(names, tensors, strict=True)]
    modules = [(path, m) for path, m in model.named_modules() if path] if isinstance(model, Module) else []
    try:
        with no_grad(), ExitStack() as stack:
            for path, module in modules:
                stack.enter_context(module.register_forward_hook(partial(_call_by_path, path)))
            _, program = trace(partial(model, *tensors), arrays, "export", around, whole=_WHOLE)
    except CompileError as error:
        raise OnnxError(f"export: {str(error).removeprefix('compile: ')}") from None
    finally:
        for _, module in modules:
            if not any(map(len, (module._hooks or {}).values())):
                module._hooks = None  # calls are quicker without
    if not list(values_in(program.results)):
        raise OnnxError("export: the model returns no tensor.")
    if program.stores:
        raise OnnxError("export: the model changes memory that outlives the call, which an ONNX graph cannot do.")
    return program


def _call_by_path(path: str, module: Module, args: Any, result: Any) -> None:
    """Call what a module returns by the path of the module."""
    for t in instances(result, Tensor):
        mode.events.named(t, path)


def _named(model: Any) -> list[tuple[str, Any]]:
    return [*model.named_parameters(), *model.named_buffers()] if isinstance(model, Module) else []


def _compared(
    model: Any,
    names: Sequence[str],
    inputs: Sequence[Any],
    axes: Mapping[str, list[tuple[str, int]]],
    first: Program,
    kind: Any,
) -> Sizes:
    """The programs of calls with other lengths: for each open axis one, and one where all have yet another length.

    A model may take some lengths only, so that an axis is a little longer or shorter or twice as long.
    """
    arrays = dict(zip(names, inputs, strict=True))
    present = {called: arrays[places[0][0]].shape[places[0][1]] for called, places in axes.items()}

    def traced(choices: Sequence[Mapping[str, int]]) -> tuple[Program, Mapping[str, int]]:
        """The first of these lengths that the model takes."""
        errors = []
        for lengths in choices:
            others = dict(arrays)
            for called, n in lengths.items():
                for name, axis in axes[called]:
                    others[name] = np.take(others[name], np.arange(n) % present[called], axis=axis)
            try:
                return _traced(model, names, list(others.values()), kind), lengths
            except Exception as e:  # noqa: BLE001 (whatever the model says of this length)
                errors.append(e)
        described = " and ".join(f"{n} elements along {called!r}" for called, n in choices[0].items())
        raise OnnxError(f"export: the model does not run with {described}: {errors[0]}") from errors[0]

    near = [traced([{**present, called: m} for m in (n + 1, n - 1, 2 * n) if m]) for called, n in present.items()]
    choices = [_further(n, at[called]) for (called, n), (_, at) in zip(present.items(), near, strict=True)]
    programs, lengths = zip(
        *near, traced([dict(zip(axes, ns, strict=True)) for ns in zip(*choices, strict=True)]), strict=True
    )
    return Sizes(first, programs, (present, *lengths))


def _further(n: int, near: int) -> tuple[int, int, int]:
    """Lengths that show whether a size grows with the length: not only from `n` to `near`."""
    return {1: (2 * n + 1, n + 3, n + 2), -1: (max(1, n // 2),) * 2 + (max(1, n - 2),)}.get(near - n, (3 * n,) * 3)


def _written(program: Program, names: Sequence[str], model: Any, graph: Graph) -> Graph:
    """`graph`, filled with a program; `names` are those of its inputs, and then names that are not to be used."""
    sizes = graph.compared
    graph.taken.update(names)
    for name, v in zip(names, program.inputs, strict=False):
        graph.names[v] = name
        graph.types[name] = graph.type_of(v.dtype)
    called = {id(t.data): (name, "" if isinstance(t, Parameter) else "buffer") for name, t in _named(model)}
    ops = program.ops if graph.double else with_composites(program.ops)  # whose epsilon is a float32
    ops = _needed(ops, program.results)
    for v in dict.fromkeys(v for op in ops for v in op.reads if v.op is None):
        _source(graph, v, called)
    for v in values_in(program.results):
        if v.op is None and v not in graph.names:
            _source(graph, v, called)
    partners = {id(op): [p.ops[i] for p in sizes.programs] for i, op in enumerate(program.ops)}
    for op in ops:
        graph.op = op
        convert = OPERATORS.get(op.function)
        if convert is None or (op.effect == "update" and op.function not in _UPDATES):
            raise graph.refuse("has no equivalent")
        others = partners.get(id(op), [])  # a composite has no sizes
        arguments = sizes.of(op.args, [other.args for other in others], op.where)
        settings = sizes.of(op.kwargs, [other.kwargs for other in others], op.where)
        name, z = convert(graph, *arguments, **settings), graph.result
        graph.names[z] = graph.of_type(name, z.dtype) if name else ""
        if not name and z in values_in(program.results):
            raise graph.refuse("has no equivalent")
    return graph


def _needed(ops: Sequence[Op], results: Any) -> list[Op]:
    """The operations of which something is left in the results."""
    needed = set(values_in(results))
    kept = []
    for op in reversed(ops):
        if op.result in needed:
            kept.append(op)
            needed.update(op.reads)
    return kept[::-1]


def _source(graph: Graph, v: Value, called: Mapping[int, tuple[str, str]]) -> None:
    """A parameter, a buffer or a constant."""
    if v in graph.names:
        return
    memory = v.memory
    assert memory is not None
    array = memory.array
    shape = graph.shapes(v)
    arrays = [array, *(p.memory.array for p in graph.compared.partners_of(v) if p.memory)]
    if any(isinstance(n, Size) for n in shape):
        graph.names[v] = _stretched(graph, v, arrays, shape)
    elif not all(y is array or np.array_equal(y, array) for y in arrays):
        raise OnnxError(f"export: a constant {_of(v)}depends on the length of an open axis; leave it out of dynamic.")
    elif memory.kind == "state" and id(array) in called:
        name, role = called[id(array)]
        graph.names[v] = graph.initializer(name, array, role)
    else:
        graph.names[v] = graph.constant(array, array.dtype)


def _stretched(graph: Graph, v: Value, arrays: Sequence[Any], shape: Sequence[int]) -> str:
    """A constant whose shape depends on open axes: all of one number, or the numbers from 0 on."""
    first = arrays[0].flat[0] if arrays[0].size else 0
    computable = all(graph.compared.sum_of(n) for n in shape if isinstance(n, Size))
    if computable and all((x == first).all() for x in arrays):
        return graph.node("Expand", graph.constant(first, v.dtype), graph.sizes(shape))
    if computable and len(shape) == 1 and all(np.array_equal(x, np.arange(x.size)) for x in arrays):
        limits = graph.constant(np.int64(0)), graph.node("Squeeze", graph.sizes(shape)), graph.constant(np.int64(1))
        return graph.cast(graph.node("Range", *limits), v.dtype)
    raise OnnxError(
        f"export: a constant of shape {v.shape} {_of(v)}grows with an open axis; compute it from an input, or leave "
        f"the axis out of dynamic."
    )


def _of(v: Value) -> str:
    called = v.label.name or v.label.hint
    return f"({called}) " if called else ""


def _model(
    graph: Graph, program: Program, names: Sequence[str], outputs: Mapping[str, Value], opset: int
) -> ModelProto:
    for name, v in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [graph.names[v]], [name], name=f"Identity/{name}"))
    _without_identities(graph, outputs)
    _with_bias(graph)
    read = {name for node in graph.nodes for name in node.input}
    initializers = [t for name, t in graph.initializers.items() if name in read]
    ins = [_info(graph, name, v) for name, v in zip(names, program.inputs, strict=True)]
    outs = [_info(graph, name, v) for name, v in outputs.items()]
    main = helper.make_graph(graph.nodes, "model", ins, outs, initializer=initializers)
    opsets = [helper.make_opsetid("", opset)]
    version = max(8, helper.find_min_ir_version_for(opsets))
    return helper.make_model(main, opset_imports=opsets, ir_version=version, producer_name="micrograd_np")


def _outputs(count: int) -> list[str]:
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]


def _without_identities(graph: Graph, outputs: Collection[str]) -> None:
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
    shape = [_length(graph, n) for n in graph.shapes(v)]
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(graph.type_of(v.dtype)), shape)


def _length(graph: Graph, n: int) -> int | str | None:
    """A length as the format has it: a number, the name of an open axis, or nothing for what depends on one."""
    if not isinstance(n, Size):
        return int(n)
    return next((called for called, size in graph.open.items() if size.values == n.values), None)


def _save(model: ModelProto, path: Path) -> None:
    """Write a model into the file `path`, its large arrays into a second one where the format's limit demands it."""
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) <= _LARGEST:  # the message cannot tell its own
        path.write_bytes(model.SerializeToString())
        return
    beside, graph, arrays = path.with_name(f"{path.name}.data"), model.graph, []
    with beside.open("wb") as file:
        for tensor in graph.initializer:
            if len(tensor.raw_data) < _SMALLEST:
                arrays.append(tensor)
                continue
            file.seek(-file.tell() % _PAGE, os.SEEK_CUR)
            array = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            array.doc_string, array.data_location = tensor.doc_string, TensorProto.EXTERNAL
            for key, value in (("location", beside.name), ("offset", file.tell()), ("length", len(tensor.raw_data))):
                array.external_data.add(key=key, value=str(value))
            file.write(tensor.raw_data)
            arrays.append(array)
    rest = helper.make_graph(graph.node, graph.name, graph.input, graph.output, arrays)
    settings = {"opset_imports": model.opset_import, "producer_name": model.producer_name}
    path.write_bytes(helper.make_model(rest, ir_version=model.ir_version, **settings).SerializeToString())
