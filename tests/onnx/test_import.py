"""`mg.onnx.load` gives a module that computes what the file says, and trains on; a broken file is one sentence."""

import copy
import pickle
import re
import sys
from io import BytesIO

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from together import together

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.onnx import OnnxError, load

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
rng = np.random.default_rng(0)
pytestmark = pytest.mark.onnx


def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def model(nodes, inputs, outputs="y", arrays=None, *, opset=18, functions=(), opsets=()):
    """A model; `inputs` are shapes by name, or a type and a shape."""
    declared = [
        helper.make_tensor_value_info(name, *(shape if isinstance(shape, tuple) else (FLOAT, shape)))
        for name, shape in inputs.items()
    ]
    given = [numpy_helper.from_array(np.asarray(x), name) for name, x in (arrays or {}).items()]
    results = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs.split()]
    graph = helper.make_graph(nodes, "graph", declared, results, given)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(*o) for o in opsets)]
    return helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=10)


def expected(proto, *inputs):
    """What the standard's own evaluator says."""
    names = [x.name for x in proto.graph.input]
    return ReferenceEvaluator(proto).run(None, dict(zip(names, inputs, strict=True)))


def digits_net():
    """Convolution, batch norm, pooling, a shape that is computed, and a linear layer."""
    return model(
        [
            node("Conv", "x conv.weight conv.bias", "a", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
            node("BatchNormalization", "a norm.weight norm.bias norm.mean norm.var", "b", epsilon=1e-3),
            node("Relu", "b", "c"),
            node("MaxPool", "c", "d", kernel_shape=[2, 2], strides=[2, 2]),
            node("Shape", "d", "shape"),
            node("Gather", "shape zero", "n"),
            node("Unsqueeze", "n axes", "n1"),
            node("Concat", "n1 rest", "flat", axis=0),
            node("Reshape", "d flat", "e"),
            node("Gemm", "e fc.weight fc.bias", "y", transB=1),
        ],
        {"x": ["n", 1, 6, 6]},
        arrays={
            "conv.weight": floats(2, 1, 3, 3), "conv.bias": floats(2), "norm.weight": floats(2), "norm.bias": floats(2),
            "norm.mean": floats(2), "norm.var": floats(2) ** 2 + 1, "zero": np.array(0), "axes": np.array([0]),
            "rest": np.array([-1]), "fc.weight": floats(3, 18), "fc.bias": floats(3),
        },
    )  # fmt: skip


def recurrent_net(kind, gates, *, both=True, **attributes):
    d = 1 + both
    direction = {"direction": "bidirectional"} if both else {}
    return model(
        [node(kind, "x w r b", "all last", **direction, hidden_size=3, **attributes), node("Tanh", "last", "y")],
        {"x": [4, "n", 2]},
        "all y",
        {"w": floats(d, gates * 3, 2), "r": floats(d, gates * 3, 3), "b": floats(d, gates * 6)},
    )


def test_a_network_computes_what_the_file_says_and_its_arrays_keep_their_names():
    proto, x = digits_net(), floats(5, 1, 6, 6)
    imported = load(proto)
    np.testing.assert_allclose(imported(x).detach().numpy(), *expected(proto, x), rtol=1e-5, atol=1e-6)
    assert [name for name, _ in imported.named_buffers()] == ["norm.mean", "norm.var"]
    trained = {name for name, _ in imported.named_parameters()}
    assert trained == {"conv.weight", "conv.bias", "norm.weight", "norm.bias", "fc.weight", "fc.bias"}
    for tensor in proto.graph.initializer:
        if tensor.name in imported.state_dict():
            np.testing.assert_array_equal(imported.state_dict()[tensor.name], numpy_helper.to_array(tensor))


@pytest.mark.parametrize(
    ("kind", "gates", "attributes"),
    [("LSTM", 4, {}), ("GRU", 3, {"linear_before_reset": 1}), ("GRU", 3, {}), ("RNN", 1, {})],
)
@pytest.mark.parametrize("both", [False, True])
def test_recurrent_networks_agree_with_the_standard(kind, gates, attributes, both):
    proto, x = recurrent_net(kind, gates, both=both, **attributes), floats(4, 5, 2)
    results = load(proto)(x)
    if kind != "RNN" and both:  # the standard's evaluator has one direction: each is one by itself
        for d in range(2):
            half = recurrent_net(kind, gates, both=False, **attributes)
            for own, whole in zip(half.graph.initializer, proto.graph.initializer, strict=True):
                own.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(whole)[d : d + 1], whole.name))
            states = results[0].detach().numpy()[:: -1 if d else 1, d]
            answer = expected(half, x[:: -1 if d else 1])[0][:, 0]
            np.testing.assert_allclose(states, answer, rtol=1e-4, atol=1e-6)
        return
    for result, answer in zip(results, expected(proto, x), strict=True):
        np.testing.assert_allclose(result.detach().numpy(), answer, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "proto", [digits_net(), recurrent_net("LSTM", 4), recurrent_net("GRU", 3, linear_before_reset=1)]
)
def test_gradients_of_all_parameters_agree_with_finite_differences(proto):
    shape = (2, 1, 6, 6) if len(proto.graph.node) > 2 else (4, 2, 2)
    assert mg.check_gradients(load(proto), floats(*shape).astype(np.float64))


def test_an_imported_model_trains_on_and_compiled_the_same():
    x, target = mg.Tensor(floats(8, 1, 6, 6)), mg.Tensor(floats(8, 3))
    losses = []
    for compile in (lambda f: f, mg.compile):
        imported = load(digits_net_bytes)
        optimizer = optim.Adam(imported.parameters(), lr=0.05)

        def step(x, target, imported=imported, optimizer=optimizer):
            loss = ((imported(x) - target) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = compile(step)
        losses.append([run(x, target).item() for _ in range(20)])
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0] / 2


digits_net_bytes = digits_net().SerializeToString()


def written(imported):
    namespace = {}
    exec(imported.to_python("Net"), namespace)
    return namespace["Net"](imported.arrays()).eval()


@pytest.mark.parametrize(
    ("proto", "layers"),
    [
        (digits_net(), ["Conv2d", "BatchNorm2d", "Linear"]),
        (recurrent_net("LSTM", 4), ["LSTM"]),
        (recurrent_net("GRU", 3, both=False, linear_before_reset=1), ["GRU"]),
        (recurrent_net("RNN", 1), ["RNN"]),
        (
            model([node("ConvTranspose", "x w", "y", strides=[2])], {"x": ["n", 2, 3]}, arrays={"w": floats(2, 1, 3)}),
            ["ConvTranspose1d"],
        ),
        (
            model(
                [node("Gather", "w i", "e"), node("LayerNormalization", "e s b", "y")],
                {"i": (INT, ["n"])},
                arrays={"w": floats(9, 4), "s": floats(4), "b": floats(4)},
            ),
            ["Embedding", "LayerNorm"],
        ),
        (
            model(
                [node("MatMul", "x w", "z"), node("Add", "z b", "y")],
                {"x": ["n", 2]},
                arrays={"w": floats(2, 3), "b": floats(3)},
            ),
            [],
        ),
    ],
    ids=lambda x: "-".join(x) if isinstance(x, list) else "",
)
def test_the_python_that_is_written_has_layers_and_computes_the_same_bits(proto, layers):
    imported = load(proto)
    x = proto.graph.input[0]
    shape = [d.dim_value or 3 for d in x.type.tensor_type.shape.dim]
    value = floats(*shape) if x.type.tensor_type.elem_type == FLOAT else np.array([3, 8, 0])
    net = written(imported)
    assert [type(child).__name__ for child in net.children()] == layers
    results, again, compiled = imported(value), net(value), mg.compile(net.forward)(mg.Tensor(value))
    for a, b, c in zip(*map(tuple_of, (results, again, compiled)), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), strict=True)
        np.testing.assert_array_equal(a.detach().numpy(), c.detach().numpy(), strict=True)
    assert sum(p.size for p in net.parameters()) == sum(p.size for p in imported.parameters())


def test_names_in_a_file_cannot_become_code():
    hostile = "__import__('os').abort()"
    proto = model([node("Relu", "x", "z"), node("Add", "z w", "y")], {"x": [2]}, arrays={"w": floats(2)})
    for part in (proto.graph.node[0].output, proto.graph.node[1].input):
        part[0] = hostile
    proto.graph.name = proto.graph.node[0].name = hostile
    np.testing.assert_array_equal(written(load(proto))([1.0, 2.0]).detach(), load(proto)([1.0, 2.0]).detach())


def test_a_shared_weight_stays_one_parameter():
    nodes = [node("Gemm", "x w", "z", transB=1), node("Gemm", "z w", "y", transB=1)]
    imported = load(model(nodes, {"x": ["n", 2]}, arrays={"w": floats(2, 2)}))
    assert len(list(imported.parameters())) == len(list(written(imported).parameters())) == 1


def test_what_an_operator_cannot_give_is_refused_only_where_it_is_read():
    nodes = [node("Dropout", "x", "kept mask"), node("Split", "kept", "y rest", axis=0), node("TopK", "x k", "a b")]
    imported = load(model(nodes, {"x": [4]}, arrays={"k": np.array([1])}, opset=11))  # whose masks have another type
    assert imported([1.0, 2.0, 3.0, 4.0]).tolist() == written(imported)([1.0, 2.0, 3.0, 4.0]).tolist() == [1, 2]
    with pytest.raises(OnnxError, match=r"node 0 \(Dropout\): its output 'mask' is not supported"):
        load(model(nodes[:1], {"x": [4]}, "mask", opset=11))([1.0, 2.0, 3.0, 4.0])


def test_numbers_masks_and_settings_are_no_parameters():
    nodes = [
        node("Add", "x mask", "a"), node("Mul", "a two", "b"), node("Clip", "b low", "c"), node("Resize", "c", "y"),
    ]  # fmt: skip
    nodes[3].input[:] = ["c", "", "scales"]
    arrays = {"mask": np.float32([0, -np.inf]), "two": np.float32(2), "low": np.float32(-1), "scales": np.float32([2])}
    imported = load(model(nodes, {"x": [2]}, arrays=arrays))
    assert list(imported.parameters()) == []
    assert list(imported.state_dict()) == ["mask", "two"]
    np.testing.assert_array_equal(imported([3.0, 4.0]), [6, 6, -1, -1])


def test_a_model_is_copied_pickled_saved_and_drawn_like_any_other(tmp_path):
    imported, x = load(digits_net_bytes), floats(2, 1, 6, 6)
    result = imported(x).detach().numpy()
    for other in (copy.deepcopy(imported), pickle.loads(pickle.dumps(imported))):
        np.testing.assert_array_equal(other(x).detach(), result)
    mg.save(imported.state_dict(), tmp_path / "weights.npz")
    other = load(digits_net_bytes)
    nn.init.zeros_(other.get_parameter("fc.weight"))
    other.load_state_dict(mg.load(tmp_path / "weights.npz"))
    np.testing.assert_array_equal(other(x).detach(), result)
    assert "conv.weight" in mg.draw(imported(x)).source


def test_a_path_bytes_an_open_file_and_a_message_are_the_same(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(digits_net_bytes)
    x = floats(1, 1, 6, 6)
    sources = [path, str(path), digits_net_bytes, BytesIO(digits_net_bytes), onnx.load(path)]
    first, *rest = [load(source)(x).detach().numpy() for source in sources]
    for result in rest:
        np.testing.assert_array_equal(result, first)
    with pytest.raises(TypeError, match=r"load: needs a path, bytes"):
        load(3)
    with pytest.raises(FileNotFoundError, match=r"load: there is no file 'nowhere\.onnx'"):
        load("nowhere.onnx")


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 13, 18, 21, 25])
def test_a_setting_that_was_an_attribute_once_and_is_an_input_now_is_the_same(opset):
    steps = [  # the operator, its settings, and since when they are inputs
        ("Unsqueeze", {"axes": [0]}, 13), ("ReduceSum", {"axes": [1], "keepdims": 1}, 13),
        ("Squeeze", {"axes": [1]}, 13), ("Slice", {"starts": [1], "ends": [9], "axes": [1]}, 10),
        ("Softmax", {"axis": 1}, 99),
    ]  # fmt: skip
    nodes, arrays, last = [], {}, "x"
    for operator, settings, since in steps:
        inputs = {k: v for k, v in settings.items() if isinstance(v, list) and opset >= since}
        attributes = {k: v for k, v in settings.items() if k not in inputs}
        names = [f"{operator}.{name}" for name in inputs]
        arrays.update(zip(names, map(np.array, inputs.values()), strict=True))
        nodes.append(helper.make_node(operator, [last, *names], [operator], **attributes))
        last = operator
    proto, x = model(nodes, {"x": [3, 4]}, last, arrays, opset=opset), floats(3, 4)
    e = np.exp(x.sum(0)[1:])
    np.testing.assert_allclose(load(proto)(x).numpy(), [e / e.sum()], rtol=1e-5)


def test_functions_of_the_file_and_bodies_of_the_standard_take_the_place_of_rules():
    body = [node("Mul", "a b", "ab"), helper.make_node("LeakyRelu", ["ab"], ["out"])]
    body[1].attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    scaled = helper.make_function("mine", "Scaled", ["a", "b"], ["out"], body, [helper.make_opsetid("", 18)], ["slope"])
    nodes = [
        node("Scaled", "x w", "z", domain="mine", slope=0.5),
        node("HammingWindow", "two", "h"),
        node("Mul", "z h", "y"),
    ]
    arrays = {"w": floats(2), "two": np.array(2)}
    proto = model(nodes, {"x": ["n", 2]}, arrays=arrays, functions=[scaled], opsets=[("mine", 1)])
    x = floats(6, 2)
    imported = load(proto)
    z = x * numpy_helper.to_array(proto.graph.initializer[0])
    z = np.where(z > 0, z, z / 2)
    window = [2 / 23, 1]  # 25/46 - 21/46 cos(2πk/2)
    np.testing.assert_allclose(imported(x).detach().numpy(), z * window, rtol=1e-5)
    np.testing.assert_array_equal(written(imported)(x).detach(), imported(x).detach())


def test_what_lies_far_from_zero_is_standardized_too():
    """onnxruntime and the standard's own body, which subtract squares of means, are off by as much as they like."""
    x = np.float32(100_000 + np.arange(8).reshape(1, 1, 2, 4))
    y = load(model([node("MeanVarianceNormalization", "x", "y")], {"x": list(x.shape)}))(x).numpy()
    np.testing.assert_allclose(y, (x - x.mean()) / np.std(np.arange(8)), rtol=1e-4)


def test_control_flow_runs_and_has_no_text():
    def branch(name, factor):
        constant = node("Constant", "", "k", value_float=factor)
        del constant.input[:]
        result = helper.make_tensor_value_info("r", FLOAT, None)
        return helper.make_graph([constant, node("Mul", "x k", "m"), node("Add", "m w", "r")], name, [], [result])

    nodes = [node("ReduceSum", "x", "s", keepdims=0), node("Greater", "s zero", "c")]
    nodes.append(node("If", "c", "y", then_branch=branch("a", 2.0), else_branch=branch("b", 3.0)))
    imported = load(model(nodes, {"x": [2]}, arrays={"zero": np.float32(0), "w": np.float32([1, 1])}))
    assert [name for name, _ in imported.named_parameters()] == ["w"]
    assert imported([1.0, 2.0]).detach().tolist() == [3, 5]
    assert imported([-1.0, -2.0]).detach().tolist() == [-2, -5]
    with pytest.raises(OnnxError, match=r"to_python: node 2 \(If\) is control flow, which has no text"):
        imported.to_python()


def tuple_of(results):
    return results if isinstance(results, tuple) else (results,)


# what the caller gets wrong


def test_an_input_of_another_shape_or_name_is_refused():
    imported = load(digits_net_bytes)
    with pytest.raises(OnnxError, match=r"^the input 'x' is \(1, 6, 6\); the model takes \(\?, 1, 6, 6\)\.$"):
        imported(floats(1, 6, 6))
    with pytest.raises(OnnxError, match=r"the model needs the input 'x'; it takes x\."):
        imported()
    with pytest.raises(OnnxError, match=r"the model takes 1, x; found 2 inputs\."):
        imported(1, 2)
    with pytest.raises(OnnxError, match=r"the model has no input 'z'; it takes x\."):
        imported(floats(1, 1, 6, 6), z=1)
    with pytest.raises(OnnxError, match=r"^node 0 \(MatMul\): "):
        load(model([node("MatMul", "x w", "y")], {"x": None}, arrays={"w": floats(2, 2)}))(floats(3, 3))


# broken files


def relu(**changes):
    proto = model([node("Relu", "x", "y")], {"x": [2]})
    for name, value in changes.items():
        setattr(proto, name, value)
    return proto


def with_tensor(**fields):
    """An addition of a tensor whose fields are set as said."""
    proto = model([node("Add", "x w", "y")], {"x": [2]}, arrays={"w": np.float32([1, 2])})
    tensor = proto.graph.initializer[0]
    for name, value in fields.items():
        if isinstance(value, list):
            del getattr(tensor, name)[:]
            getattr(tensor, name).extend(value)
        else:
            setattr(tensor, name, value)
    return proto


def added(proto, **parts):
    for name, value in parts.items():
        getattr(proto.graph, name).append(value)
    return proto


def calling(*names):
    """Functions of which each calls the next twice, the last one itself the first."""
    functions = []
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        body = [node(other, "a", "b", domain="f"), node(other, "b", "c", domain="f")]
        functions.append(helper.make_function("f", name, ["a"], ["c"], body, [helper.make_opsetid("f", 1)]))
    return functions


def doubling(depth):
    functions = calling(*(f"f{i}" for i in range(depth)))
    last = functions[-1]
    del last.node[:]
    last.node.extend([node("Relu", "a", "c")])
    last.opset_import.extend([helper.make_opsetid("", 18)])
    return functions


BROKEN = {
    "an older opset": (
        model([node("Relu", "x", "y")], {"x": [2]}, opset=6),
        r"node 0 \(Relu\) needs opset 6; 7 to \d+ can be loaded",
    ),
    "a newer opset": (model([node("Relu", "x", "y")], {"x": [2]}, opset=99), r"node 0 \(Relu\) needs opset 99"),
    "a newer IR": (relu(ir_version=99), r"has IR version 99; 3 to \d+ can be loaded"),
    "an unknown operator": (
        model([node("Rello", "x", "y")], {"x": [2]}),
        r"node 0 \(Rello\): opset 18 has no operator 'Rello'",
    ),
    "an operator of a later opset": (model([node("Gelu", "x", "y")], {"x": [2]}), r"opset 18 has no operator 'Gelu'"),
    "an unsupported operator": (
        model([node("NonMaxSuppression", "x x", "y")], {"x": [2]}),
        r"node 0 \(NonMaxSuppression\): the operator NonMaxSuppression is not supported",
    ),
    "an unnamed domain": (
        model([node("Relu", "x", "y", domain="mine")], {"x": [2]}),
        r"node 0 \(Relu\) is of the domain 'mine', of which the model names no version",
    ),
    "an unknown domain": (
        model([node("Relu", "x", "y", domain="mine")], {"x": [2]}, opsets=[("mine", 1)]),
        r"node 0 \(Relu\): opset 1 of the domain 'mine' has no operator 'Relu'",
    ),
    "an unknown attribute": (
        model([node("Relu", "x", "y", slope=1.0)], {"x": [2]}),
        r"node 0 \(Relu\) has the attribute 'slope' which opset 14 of the operator does not have",
    ),
    "an attribute of another type": (
        model([node("LeakyRelu", "x", "y", alpha=1)], {"x": [2]}),
        r"node 0 \(LeakyRelu\): the attribute 'alpha' must be of type FLOAT",
    ),
    "a missing attribute": (
        model([node("Concat", "x x", "y")], {"x": [2]}),
        r"node 0 \(Concat\) lacks the attribute 'axis'",
    ),
    "too many inputs": (
        model([node("Relu", "x x", "y")], {"x": [2]}),
        r"node 0 \(Relu\) has 2 inputs; the operator takes 1 to 1",
    ),
    "an unsupported use": (
        model(
            [node("LSTM", "x w r", "y", clip=1.0)],
            {"x": [1, 1, 1]},
            arrays={"w": floats(1, 4, 1), "r": floats(1, 4, 1)},
        ),
        r"node 0 \(LSTM\): the attribute clip=1.0 is not supported",
    ),
    "a missing input": (
        model([node("Relu", "xx", "y")], {"x": [2]}),
        r"node 0 \(Relu\) reads 'xx', which nothing gives. Is it 'x'\?",
    ),
    "a missing output": (
        model([node("Relu", "x", "y")], {"x": [2]}, "z"),
        r"the output 'z' of the graph 'graph' is given by no node",
    ),
    "nodes out of order": (
        model([node("Relu", "z", "y"), node("Tanh", "x", "z")], {"x": [2]}),
        r"node 0 \(Relu\) reads 'z', which node 1 \(Tanh\) gives only later",
    ),
    "a circle": (
        model([node("Add", "x y", "z"), node("Tanh", "z", "y")], {"x": [2]}),
        r"the graph goes in a circle: .*node 1 \(Tanh\)",
    ),
    "a node that reads itself": (
        model([node("Add", "x y", "y")], {"x": [2]}),
        r"the graph goes in a circle: node 0 \(Add\) → node 0 \(Add\)",
    ),
    "one name twice": (
        model([node("Relu", "x", "y"), node("Tanh", "x", "y")], {"x": [2]}),
        r"node 1 \(Tanh\) gives 'y', which is the name of something else already",
    ),
    "two initializers of one name": (
        added(with_tensor(), initializer=numpy_helper.from_array(floats(2), "w")),
        r"two initializers are called 'w'",
    ),
    "a name of a method": (
        model([node("Add", "x forward", "y")], {"x": [2]}, arrays={"forward": floats(2)}),
        r"the initializer 'forward' has the name of a method",
    ),
    "too few bytes": (
        with_tensor(dims=[3]),
        r"initializer 'w' has the shape \(3,\), which takes 12 bytes, and holds 8",
    ),
    "far too few bytes": (with_tensor(dims=[2**40, 2**40]), r"takes \d+ bytes, and holds 8"),
    "too few numbers": (
        with_tensor(raw_data=b"", float_data=[1.0]),
        r"initializer 'w' has the shape \(2,\), which takes 8 bytes, and holds 0",
    ),
    "a negative length": (with_tensor(dims=[-2]), r"initializer 'w' has the shape \(-2,\)"),
    "too many axes": (with_tensor(dims=[1] * 99), r"axes at most 64"),
    "an unknown type": (
        with_tensor(data_type=99),
        r"initializer 'w' is of type type 99; the types that can be loaded are",
    ),
    "a type without arrays": (with_tensor(data_type=TensorProto.BFLOAT16), r"initializer 'w' is of type bfloat16"),
    "an input without arrays": (
        model([node("Relu", "x", "y")], {"x": (TensorProto.BFLOAT16, [2])}),
        r"input 'x' of node 0 \(Relu\) is of type bfloat16",
    ),
    "a function that calls itself": (
        model([node("a", "x", "y", domain="f")], {"x": [2]}, functions=calling("a"), opsets=[("f", 1)]),
        r"the functions a → a call each other in a circle",
    ),
    "functions that call each other": (
        model([node("a", "x", "y", domain="f")], {"x": [2]}, functions=calling("a", "b"), opsets=[("f", 1)]),
        r"the functions .* call each other in a circle",
    ),
    "functions that double": (
        model([node("f0", "x", "y", domain="f")], {"x": [2]}, functions=doubling(40), opsets=[("f", 1)]),
        r"with its functions in place the model has \d+ nodes; up to 100000 can be loaded",
    ),
    "a type that cannot be worked out": (
        model(
            [node("Relu", "x", "z"), node("Bernoulli", "z", "w"), node("Tanh", "w", "y", domain="ai.onnx.ml")],
            {"x": [2]},
        ),
        r"node 1 \(Bernoulli\)|of the domain 'ai.onnx.ml', of which the model names no version",
    ),
    "names that are no text": (
        onnx.ModelProto.FromString(relu().SerializeToString().replace(b"Relu", b"Re\xff\xfe")),
        r"names that are no text",
    ),
}


@together
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_one_sentence_that_names_what_is_wrong(what):
    proto, message = BROKEN[what]
    with pytest.raises(OnnxError, match=message) as error:
        load(proto)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("load: ")


def test_a_file_that_is_cut_off_anywhere_is_refused():
    for end in range(len(digits_net_bytes)):
        with pytest.raises(OnnxError, match=r"^load: [^\n]*$"):
            load(digits_net_bytes[:end])


def test_a_file_with_wrong_bytes_is_refused_or_loads_but_nothing_else():
    changes, sentences = np.random.default_rng(0), []
    for _ in range(400):
        content = bytearray(digits_net_bytes)
        content[changes.integers(len(content))] = changes.integers(256)
        try:
            imported = load(bytes(content))
            imported(np.ones((2, 1, 6, 6), np.float32))
            compile(imported.to_python(), "written", "exec")
        except OnnxError as error:
            sentences.append(str(error))
    assert not any("\n" in sentence for sentence in sentences)


@pytest.fixture
def beside(tmp_path):
    """A model whose weight lies in a file beside it; the fields of its entry can be changed."""

    def write(**entries):
        proto = model([node("Add", "x w", "y")], {"x": [2]}, arrays={"w": np.float32([1, 2])})
        tensor = proto.graph.initializer[0]
        (tmp_path / "folder").mkdir(exist_ok=True)
        (tmp_path / "folder/weights.bin").write_bytes(b"1234" + tensor.raw_data)
        (tmp_path / "outside.bin").write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": "weights.bin", "offset": "4", "length": "8", **entries}.items():
            if value is not None:
                tensor.external_data.add(key=key, value=value)
        path = tmp_path / "folder/net.onnx"
        path.write_bytes(proto.SerializeToString())
        return path

    return write


@pytest.mark.parametrize("entries", [{}, {"length": None}])
def test_weights_may_lie_in_a_file_beside_the_model(beside, entries):
    imported = load(beside(**entries))
    assert imported([1.0, 1.0]).detach().tolist() == [2, 3]
    assert imported.get_parameter("w").data.flags.writeable


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "../outside.bin"}, {"location": "absent.bin"}, {"location": "."}, {"location": ""},
        {"location": "link.bin"}, {"location": "a\0b"}, {"location": "absolute"}, {"offset": "8"}, {"offset": "-4"},
        {"offset": "99999999999999999999"}, {"length": "4"}, {"length": "much"},
    ],
    ids=str,
)  # fmt: skip
def test_weights_outside_of_the_models_folder_or_of_their_file_are_refused(beside, entries, tmp_path):
    if entries == {"location": "absolute"}:
        entries = {"location": str(tmp_path / "folder/weights.bin")}
    path = beside(**{"offset": "0", **entries})
    if entries == {"location": "link.bin"}:
        if sys.platform == "win32":
            pytest.skip("links need a right there")
        (path.parent / "link.bin").symlink_to(tmp_path / "outside.bin")
    with pytest.raises(OnnxError, match=r"^load: initializer 'w' (should lie|takes 8 bytes)[^\n]*$"):
        load(path)


def test_weights_beside_a_model_need_its_path(beside):
    with pytest.raises(OnnxError, match=re.escape("lies in another file, 'weights.bin'; load the model from its path")):
        load(beside().read_bytes())


def test_an_error_that_shows_an_array_is_one_sentence_still():
    arrays = {"shape": np.float32([2, 2]), "block": floats(9, 9)}
    proto = model([node("Col2Im", "x shape block", "y")], {"x": [1, 4, 1]}, arrays=arrays)
    with pytest.raises(OnnxError, match=r"node 0 \(Col2Im\)") as error:
        load(proto)(floats(1, 4, 1))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500
