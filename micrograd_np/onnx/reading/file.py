"""From an ONNX file to a graph: everything is checked first, and what is wrong or not supported is one sentence."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TypeProto,
    ValueInfoProto,
    defs,
    helper,
)
from onnx.shape_inference import InferenceError, infer_shapes

from micrograd_np.onnx.error import OnnxError

from .graph import BODIES, Graph, Node, parameters
from .operators import rule
from .tensors import DTYPES, array_of, dtype_of

OLDEST, IR_OLDEST, LARGEST = 7, 3, 100_000
_KIND_NAMES = ("FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS")
_KINDS = {AttributeProto.AttributeType.Value(x) for x in _KIND_NAMES}


class UnsupportedError(OnnxError):
    """An operator, or a use of one, that has no rule; its body in the standard may take its place."""


ROLES = frozenset(("buffer", "constant"))
"""What our exporter says of initializers that are no parameters, in their doc_string."""


def read(source: Any) -> tuple[Graph, dict[str, np.ndarray[Any, Any]], list[Any], set[str]]:
    """The graph of a model, its initializers, the declarations of its inputs, and which initializers do not train."""
    model, folder = _parsed(source)
    functions = _functions(model)
    reader = Reader(_opsets(model.opset_import, model.graph.node), folder, functions)
    arrays = reader.initializers(model.graph)
    graph = reader.graph(model.graph, set(arrays))
    declared = [x for x in model.graph.input if x.name not in arrays]
    return graph, arrays, declared, {x.name for x in model.graph.initializer if x.doc_string in ROLES}


def _parsed(source: Any) -> tuple[ModelProto, Path | None]:
    """The message of a path, of bytes, of an open file, or itself; and the folder for data beside it."""
    folder, name, model = None, "the model", source
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"load: there is no file {os.fspath(source)!r}.")
        folder, name, source = path.parent, repr(os.fspath(source)), path.read_bytes()
    elif hasattr(source, "read"):
        source = source.read()
    if not isinstance(source, ModelProto):
        if not isinstance(source, (bytes, bytearray, memoryview)):
            raise TypeError(f"load: needs a path, bytes, an open binary file or a ModelProto, found {source!r:.80}.")
        model = ModelProto()
        try:
            model.ParseFromString(bytes(source))
        except DecodeError:
            raise OnnxError(f"load: {name} is no ONNX file, or one that is cut off.") from None
    if not model.HasField("graph") or not model.ir_version:
        raise OnnxError(f"load: {name} holds no graph or no IR version: it is no ONNX file, or one that is cut off.")
    if not _is_text(model):
        raise OnnxError(f"load: {name} has names that are no text; the file is broken.")
    if not IR_OLDEST <= model.ir_version <= onnx.IR_VERSION:
        raise OnnxError(
            f"load: {name} has IR version {model.ir_version}; {IR_OLDEST} to {onnx.IR_VERSION} can be loaded."
        )
    return model, folder


def _is_text(message: Any) -> bool:
    """Whether all strings of a message are text; the parser gives bytes where they are not."""
    for declared, x in message.ListFields():
        if declared.type in {declared.TYPE_STRING, declared.TYPE_MESSAGE}:
            for part in x if not isinstance(x, (str, bytes)) and hasattr(x, "extend") else (x,):
                if isinstance(part, bytes) or not (isinstance(part, str) or _is_text(part)):
                    return False
    return True


def _opsets(imports: Iterable[Any], nodes: Sequence[NodeProto]) -> dict[str, int]:
    """By domain: its version."""
    opsets = {_domain(o): o.version for o in imports}
    newest = defs.onnx_opset_version()
    if not OLDEST <= opsets.get("", OLDEST) <= newest or not opsets:
        first = _label(0, nodes[0]) if nodes else "the model"
        raise OnnxError(
            f"load: {first} needs opset {opsets.get('', 'of no number')}; {OLDEST} to {newest} can be loaded."
        )
    return opsets


def _domain(message: Any) -> str:
    return "" if message.domain == "ai.onnx" else message.domain


def _label(i: int, node: NodeProto) -> str:
    """What errors call a node."""
    operator = node.op_type if node.op_type.isprintable() else repr(node.op_type)
    return f"node {node.name!r} ({operator})" if node.name else f"node {i} ({operator})"


def _nodes(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """All nodes, those in bodies included."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _nodes(graph.node)


def _functions(model: ModelProto) -> dict[tuple[str, str], FunctionProto]:
    """The functions of a model by domain and name; OnnxError if they call each other in a circle, or all too often."""
    functions = {(_domain(f), f.name): f for f in model.functions}
    calls = {key: [(_domain(n), n.op_type) for n in _nodes(f.node)] for key, f in functions.items()}
    sizes: dict[tuple[str, str], int] = {}
    try:
        for key in TopologicalSorter({key: functions.keys() & names for key, names in calls.items()}).static_order():
            sizes[key] = sum(sizes.get(name, 1) for name in calls[key])
    except CycleError as error:
        circle = " → ".join(name for _, name in error.args[1])
        raise OnnxError(f"load: the functions {circle} call each other in a circle.") from None
    size = sum(sizes.get((_domain(n), n.op_type), 1) for n in _nodes(model.graph.node))
    if size > LARGEST:
        raise OnnxError(f"load: with its functions in place the model has {size} nodes; up to {LARGEST} can be loaded.")
    return functions


class Reader:
    """Reads graphs of one model; `graph` may be inside another."""

    def __init__(
        self, opsets: Mapping[str, int], folder: Path | None, functions: Mapping[tuple[str, str], FunctionProto]
    ) -> None:
        self.opsets, self.folder, self.functions = opsets, folder, functions

    def initializers(self, graph: GraphProto) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays that a graph holds, by name."""
        if graph.sparse_initializer:
            raise OnnxError("load: sparse initializers are not supported; store them dense.")
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        for tensor in graph.initializer:
            if tensor.name in arrays:
                raise OnnxError(f"load: two initializers are called {tensor.name!r}.")
            arrays[tensor.name] = array_of(tensor, f"initializer {tensor.name!r}", self.folder)
        return arrays

    def graph(self, proto: GraphProto, visible: set[str]) -> Graph:
        """A graph whose nodes may read what is `visible` outside."""
        for x in proto.input:
            _check_type(x, proto)
        names = [x.name for x in proto.input if x.name not in visible]
        if len(set(names)) < len(names):
            raise OnnxError(f"load: two inputs of the graph {proto.name!r} have one name: {', '.join(names)}.")
        graph = Graph(names, [x.name for x in proto.output])
        visible = visible | set(names)
        labels = [_label(i, n) for i, n in enumerate(proto.node)]
        types = _Types(proto, self.opsets)
        makers = {name: i for i, n in enumerate(proto.node) for name in n.output if name}
        read = {name for n in _nodes(proto.node) for name in n.input} | set(graph.outputs)
        for i, (proto_node, label) in enumerate(zip(proto.node, labels, strict=True)):
            for name in proto_node.input:
                if name and name not in visible:
                    raise self._unknown(proto, labels, makers, i, name)
            for name in proto_node.output:
                if name and name in visible:
                    raise OnnxError(f"load: {label} gives {name!r}, which is the name of something else already.")
            self._node(graph, proto_node, label, visible, types)
            _forget_unread(graph, read)
            visible.update(filter(None, proto_node.output))
        for name in graph.outputs:
            if name not in visible:
                raise OnnxError(f"load: the output {name!r} of the graph {proto.name!r} is given by no node.")
        return graph

    def _unknown(self, proto: GraphProto, labels: list[str], makers: dict[str, int], i: int, name: str) -> OnnxError:
        """The error for an input that is not there: nobody gives it, a later node does, or one of a circle."""
        if name not in makers:
            near = get_close_matches(name, [*makers, *(x.name for x in proto.input)], 1)
            hint = f" Is it {near[0]!r}?" if near else ""
            return OnnxError(f"load: {labels[i]} reads {name!r}, which nothing gives.{hint}")
        before = {j: {makers[x] for x in n.input if x in makers} for j, n in enumerate(proto.node)}
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            circle = " → ".join(labels[j] for j in error.args[1])
            return OnnxError(f"load: the graph goes in a circle: {circle}.")
        return OnnxError(
            f"load: {labels[i]} reads {name!r}, which {labels[makers[name]]} gives only later; nodes must be in order."
        )

    def _node(self, graph: Graph, proto: NodeProto, label: str, visible: set[str], types: _Types) -> None:
        """Add a node, or its array if it is a constant."""
        domain, name = _domain(proto), proto.op_type
        if (domain, name) in self.functions:
            graph.nodes.append(self._call(proto, self.functions[domain, name], label, types, {}))
            return
        if domain not in self.opsets:
            raise OnnxError(
                f"load: {label} is of the domain {domain or 'ai.onnx'!r}, of which the model names no version."
            )
        version = self.opsets[domain]
        try:
            schema = defs.get_schema(name, version, domain)
        except defs.SchemaError:
            of = f"opset {version}" + (f" of the domain {domain!r}" if domain else "")
            raise OnnxError(f"load: {label}: {of} has no operator {name!r}.") from None
        attributes = self._attributes(proto, schema, label, visible)
        self._check_counts(proto, schema, label)
        if name == "Constant" and not domain:
            graph.constants[proto.output[0]] = _constant(attributes, label)
            return
        try:
            graph.nodes.append(self._bound(proto, schema, label, attributes))
        except UnsupportedError as error:
            body = _body_of(proto, schema, version, types)
            if body is None:
                raise OnnxError(str(error)) from None
            defaults = {n: a.default_value for n, a in schema.attributes.items() if a.default_value.type}
            graph.nodes.append(self._call(proto, body, label, types, defaults))

    def _call(
        self, proto: NodeProto, function: FunctionProto, label: str, types: _Types, defaults: dict[str, AttributeProto]
    ) -> Node:
        """A node that runs the body of a function, with the attributes of the call in their places."""
        if len(proto.input) > len(function.input) or len(proto.output) > len(function.output):
            raise OnnxError(f"load: {label} has more inputs or outputs than its function {function.name!r}.")
        attributes = {**defaults, **{a.name: a for a in (*function.attribute_proto, *proto.attribute)}}
        body = GraphProto(name=function.name, node=[_filled(node, attributes) for node in function.node])
        for name, actual in zip_longest(function.input, proto.input, fillvalue=""):
            body.input.add(name=name, type=types.of(actual))
        names = [name for name, actual in zip(function.output, proto.output, strict=False) if actual]
        body.output.extend(ValueInfoProto(name=name) for name in names)
        own = _opsets(function.opset_import, function.node) if function.opset_import else {}
        inner = Reader({**self.opsets, **own}, None, self.functions)
        outputs = [name for name in proto.output if name]
        try:
            return Node(label, "Call", list(proto.input), {"body": inner.graph(body, set())}, {}, outputs)
        except OnnxError as error:
            raise OnnxError(f"load: {label}: in its body, {str(error).removeprefix('load: ')}") from None

    def _check_counts(self, proto: NodeProto, schema: Any, label: str) -> None:
        for what, names, low, high in (
            ("inputs", proto.input, schema.min_input, schema.max_input),
            ("outputs", proto.output, schema.min_output, schema.max_output),
        ):
            if not low <= len(names) <= high:
                raise OnnxError(f"load: {label} has {len(names)} {what}; the operator takes {low} to {high}.")

    def _attributes(self, proto: NodeProto, schema: Any, label: str, visible: set[str]) -> dict[str, Any]:
        """The attributes that are set, as Python's values."""
        attributes: dict[str, Any] = {}
        for attribute in proto.attribute:
            declared = schema.attributes.get(attribute.name)
            if declared is None or attribute.name in attributes:
                why = "twice" if declared else f"which opset {schema.since_version} of the operator does not have"
                raise OnnxError(f"load: {label} has the attribute {attribute.name!r} {why}.")
            if attribute.type != declared.type.value or attribute.ref_attr_name:
                raise OnnxError(
                    f"load: {label}: the attribute {attribute.name!r} must be of type {declared.type.name}."
                )
            attributes[attribute.name] = self._value(attribute, f"{label}: the attribute {attribute.name!r}", visible)
        for name, declared in schema.attributes.items():
            if declared.required and name not in attributes:
                raise OnnxError(f"load: {label} lacks the attribute {name!r}.")
        return attributes

    def _value(self, attribute: AttributeProto, what: str, visible: set[str]) -> Any:
        if attribute.type not in _KINDS:
            raise OnnxError(f"load: {what} is of a type that is not supported.")
        if attribute.type == AttributeProto.GRAPH:
            return self._body(attribute.g, visible)
        if attribute.type == AttributeProto.TENSOR:
            return array_of(attribute.t, what, self.folder)
        try:
            return _text(helper.get_attribute_value(attribute))
        except UnicodeDecodeError:
            raise OnnxError(f"load: {what} is no text.") from None

    def _body(self, proto: GraphProto, visible: set[str]) -> Graph:
        own = {x.name for x in proto.input}
        arrays = self.initializers(proto)
        graph = self.graph(proto, (visible - own) | set(arrays))
        graph.constants.update(arrays)
        return graph

    def _bound(self, proto: NodeProto, schema: Any, label: str, attributes: dict[str, Any]) -> Node:
        """The node with its tensors and settings as its rule names them."""
        domain, name = _domain(proto), proto.op_type
        if domain or name == "Call" or not (rule(name) or name in BODIES):
            of = f"of the domain {domain!r} " if domain else ""
            raise UnsupportedError(f"load: {label}: the operator {name} {of}is not supported.")
        positional, more, keyword = parameters(name)
        tensors: list[str] = []
        named: dict[str, str] = {}
        for i, name in enumerate(proto.input):
            formal = schema.inputs[min(i, len(schema.inputs) - 1)].name
            if formal.lower() in keyword:
                named.update({formal.lower(): name} if name else {})
            elif more or len(tensors) < len(positional):
                tensors.append(name)
            elif name:
                raise UnsupportedError(f"load: {label}: the input {formal!r} is not supported.")
        settings: dict[str, Any] = {"since": schema.since_version, "outputs": len(proto.output)}
        for name, declared in schema.attributes.items():
            default = _text(helper.get_attribute_value(declared.default_value)) if declared.default_value.type else None
            value = attributes.get(name, default)
            if name.lower() not in keyword and name in attributes and value != default:
                raise UnsupportedError(f"load: {label}: the attribute {name}={value!r:.40} is not supported.")
            if value is not None:
                settings[name.lower()] = value
        needed = [name for name, default in keyword.items() if default is inspect.Parameter.empty]
        missing = {name: None for name in needed if name not in named}
        settings = {**missing, **{k: v for k, v in settings.items() if k in keyword}}
        return Node(label, proto.op_type, _trimmed(tensors), settings, named, list(proto.output))


def _check_type(x: Any, graph: GraphProto) -> None:
    """OnnxError for an input of what has no arrays, with a node of its graph, one that reads it if there is one."""
    kind = x.type
    while kind.WhichOneof("value") in {"sequence_type", "optional_type"}:
        kind = getattr(kind, kind.WhichOneof("value")).elem_type
    what = kind.WhichOneof("value")
    if what in {None, "tensor_type"} and kind.tensor_type.elem_type in {0, *DTYPES}:
        return
    nodes = [(x.name not in n.input, i, _label(i, n)) for i, n in enumerate(graph.node)]
    beside, _, label = min(nodes, default=(True, 0, "the graph"))
    where = f"input {x.name!r} {'beside' if beside else 'of'} {label}"
    if what == "tensor_type":
        dtype_of(kind.tensor_type.elem_type, where)
    raise OnnxError(f"load: {where} is a {str(what).removesuffix('_type')}; tensors can be loaded.")


class _Types:
    """The types of a graph's values, worked out when they are first asked for."""

    def __init__(self, proto: GraphProto, opsets: Mapping[str, int]) -> None:
        self.proto, self.opsets = proto, opsets

    @cached_property
    def by_name(self) -> dict[str, TypeProto]:
        model = ModelProto(graph=self.proto, ir_version=onnx.IR_VERSION)
        model.opset_import.extend(OperatorSetIdProto(domain=d, version=v) for d, v in self.opsets.items())
        try:
            graph = infer_shapes(model).graph
        except (InferenceError, RuntimeError, ValueError):  # the node itself is checked when its turn comes
            return {}
        types = {x.name: x.type for x in (*graph.input, *graph.value_info, *graph.output)}
        return types | {
            x.name: helper.make_tensor_type_proto(x.data_type, x.dims) for x in graph.initializer if x.name not in types
        }

    def of(self, name: str) -> TypeProto:
        """The type of a value; an empty one if it cannot be known."""
        return self.by_name.get(name, TypeProto()) if name else TypeProto()


def _body_of(proto: NodeProto, schema: Any, version: int, types: _Types) -> FunctionProto | None:
    """What the standard says that an operator is, in terms of others, or None."""
    versions = schema.function_opset_versions or schema.context_dependent_function_opset_versions
    fitting = [v for v in versions if v <= version]
    if not fitting:
        return None
    if schema.function_opset_versions:
        return FunctionProto.FromString(schema.get_function_with_opset_version(max(fitting)))
    node = NodeProto()
    node.CopyFrom(proto)
    names = {a.name for a in node.attribute}
    defaults = [a.default_value for a in schema.attributes.values() if a.default_value.type]
    node.attribute.extend(default for default in defaults if default.name not in names)
    arguments = node.SerializeToString(), [types.of(name).SerializeToString() for name in proto.input]
    try:
        text = schema.get_context_dependent_function_with_opset_version(max(fitting), *arguments)
    except (InferenceError, RuntimeError, ValueError, TypeError):  # for types that the operator does not take
        return None
    return FunctionProto.FromString(text) if text else None


def _filled(node: NodeProto, attributes: Mapping[str, AttributeProto]) -> NodeProto:
    """A node of a function with the attributes of the call in place of references to them."""
    filled = NodeProto()
    filled.CopyFrom(node)
    del filled.attribute[:]
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            new = filled.attribute.add()
            new.CopyFrom(attribute)
            if new.HasField("g"):
                new.g.node.clear()
                new.g.node.extend(_filled(inner, attributes) for inner in attribute.g.node)
        elif attribute.ref_attr_name in attributes:
            new = filled.attribute.add()
            new.CopyFrom(attributes[attribute.ref_attr_name])
            new.name = attribute.name
    return filled


def _text(x: Any) -> Any:
    """Bytes as text, also in a list, which becomes a tuple."""
    return x.decode() if isinstance(x, bytes) else tuple(map(_text, x)) if isinstance(x, list) else x


def _forget_unread(graph: Graph, read: set[str]) -> None:
    """Strike from the last node the outputs that nobody reads, which it may not be able to give; or the whole node."""
    for node in graph.nodes[-1:]:
        node.outputs = _trimmed([name if name in read else "" for name in node.outputs])
        if not node.outputs:
            graph.nodes.pop()
        elif "outputs" in node.settings and node.operator != "Split":  # which has as many parts as outputs
            node.settings["outputs"] = len(node.outputs)


def _trimmed(names: list[str]) -> list[str]:
    """Without what is left out at the end."""
    while names and not names[-1]:
        names = names[:-1]
    return names


def _constant(attributes: dict[str, Any], label: str) -> Any:
    """The array of a node that is a constant."""
    if len(attributes) != 1:
        raise OnnxError(f"load: {label} has {len(attributes)} values; a constant has one.")
    ((name, x),) = attributes.items()
    if name == "value":
        return x
    if not name.startswith(("value_int", "value_float")):
        raise OnnxError(f"load: {label}: the attribute {name!r} is not supported; numbers are.")
    return np.asarray(x, np.int64 if name.startswith("value_int") else np.float32)
