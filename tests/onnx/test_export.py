"""What is exported is a valid ONNX model, and a runtime computes with it what the model computes here."""

import sys
from itertools import islice

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import NETWORKS, arrays, network
from onnx.reference import ReferenceEvaluator
from together import sparing, together
from trainable import LAYERS

import micrograd_np as mg
from micrograd_np import nn, torch
from micrograd_np.check.samples import samples_for
from micrograd_np.core.registry import registry
from micrograd_np.core.trees import instances
from micrograd_np.onnx import OnnxError, export
from micrograd_np.ops.fused.norms import over_deviation

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-9}
onnxruntime.set_default_logger_severity(4)
pytestmark = pytest.mark.onnx


def run(model, *arrays):
    """What onnxruntime computes."""
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([x.name for x in model.graph.input], arrays, strict=True)))


def results(model, *arrays):
    """What the model computes here."""
    with mg.no_grad():
        return [t.data for t in instances(model(*map(mg.Tensor, arrays)), mg.Tensor)]


def agree(found, expected, dtype=np.float32):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def layer(name, dtype):
    """A layer in evaluation mode, and arrays to feed it."""
    make, *inputs = LAYERS[name]
    rng = np.random.default_rng(0)
    arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in (f(rng) for f in inputs)]
    return make().to(dtype).eval(), arrays


def names_of(arrays):
    return [f"x{i}" for i in range(len(arrays))]


UNPOOLS = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"}  # ONNX has no order of writes to one place
EXPORTED = [name for name in LAYERS if name not in UNPOOLS]


@pytest.mark.parametrize("name", sorted(UNPOOLS))
def test_max_unpooling_is_refused_by_name(name):
    model, arrays = layer(name, np.float32)
    with pytest.raises(OnnxError, match="replace of elements at arrays of indices has no equivalent"):
        export(model, tuple(arrays), input_names=names_of(arrays))


@together
@pytest.mark.parametrize("name", EXPORTED)
def test_every_layer_computes_the_same_in_a_runtime_for_any_number_of_samples(name):
    model, arrays = layer(name, np.float32)
    names = names_of(arrays)
    exported = export(model, tuple(arrays), input_names=names, dynamic={x: {0: "n"} for x in names})
    agree(run(exported, *arrays), results(model, *arrays))
    more = [np.concatenate([x, x[::-1][:3]]) for x in arrays]
    agree(run(exported, *more), results(model, *more))


@together
@pytest.mark.parametrize("name", sparing(EXPORTED, 4))
def test_every_layer_computes_the_same_in_float64(name):
    model, arrays = layer(name, np.float64)
    names = names_of(arrays)
    exported = export(model, tuple(arrays), dtype=np.float64, input_names=names)
    agree(run(exported, *arrays), results(model, *arrays), np.float64)
    agree(
        ReferenceEvaluator(exported).run(None, dict(zip(names, arrays, strict=True))),
        results(model, *arrays),
        np.float64,
    )


REFUSED = {  # backward passes, linear algebra and special functions
    "bessel_i", "bessel_j", "bessel_k", "bessel_y", "digamma", "erfcx", "erfinv", "_gammainc", "_gammaincc", "gammaln",
    "log_ndtr", "ndtri", "_zeta", "_eigen", "_factored", "_inverted", "_singular",
    "alignments", "avg_pool_back", "bin_spread", "cholesky", "cofactors", "convolve_weight",
    "det", "diag_embed", "diagonal", "gru_memory", "gru_sweep", "inv", "is_last_write", "logabsdet", "lstm_memory",
    "lstm_sweep", "masked_halve", "max_pool_back", "occupancy", "recurrence", "rnn_sweep",
    "scatter_add_along_axis", "signdet", "_solve",
}  # fmt: skip
NEWER = {"cumprod": 26}  # the operator set that they need


@together
@pytest.mark.parametrize("name", [name for name, op in registry.items() if op.inputs])
def test_every_primitive_computes_the_same_in_a_runtime_or_is_refused_by_name(name):
    for sample in islice((s.astype(np.float32) for s in samples_for(registry[name])), 3):
        names = names_of(sample.inputs)
        if name in REFUSED:
            with pytest.raises(OnnxError, match="has no equivalent"):
                export(sample.apply, sample.inputs, input_names=names)
            continue
        expected = np.asarray(sample.apply(*map(mg.Tensor, sample.inputs)).data)
        opset = NEWER.get(name, 18)
        (found,) = run(export(sample.apply, sample.inputs, input_names=names, opset=opset), *sample.inputs)
        assert (found.shape, found.dtype.kind) == (expected.shape, expected.dtype.kind)
        np.testing.assert_allclose(found, expected, rtol=3e-4, atol=3e-5)


BOUND = {"avg_pool", "max_pool", "lstm"}  # where a setting or a broadcast state goes with a length


@pytest.mark.parametrize(
    "name", sparing([name for name, op in registry.items() if op.inputs and name not in REFUSED | BOUND], 3)
)
def test_every_primitive_takes_any_length_of_an_axis_or_refuses_it(name):
    sample = next(iter(samples_for(registry[name]))).astype(np.float32)
    names, arrays = names_of(sample.inputs), [np.asarray(x) for x in sample.inputs]
    for i, axis in ((i, axis) for i, x in enumerate(arrays) for axis in range(x.ndim)):
        try:
            exported = export(sample.apply, tuple(arrays), input_names=names, dynamic={names[i]: {axis: "n"}})
        except OnnxError:
            continue
        for length in (arrays[i].shape[axis], 1, 2 * arrays[i].shape[axis], 3 * arrays[i].shape[axis] + 1):
            part = np.take(arrays[i], range(length), axis=axis, mode="wrap")
            others = [*arrays[:i], part, *arrays[i + 1 :]]
            try:
                (expected,) = results(sample.apply, *others)
            except (ValueError, IndexError):  # no length that the primitive takes
                continue
            (found,) = run(exported, *others)
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=3e-4, atol=3e-5)


NORMALIZATIONS = {
    "images": (nn.BatchNorm2d(3), (2, 3, 4, 5), "BatchNormalization"),
    "vectors without an affine map": (nn.BatchNorm1d(3, affine=False), (2, 3), "BatchNormalization"),
    "without a bias": (lambda x: mg.functional.batch_norm(x, MEAN, VARIANCE, MEAN), (4, 3, 2), "BatchNormalization"),
    "instances, by running statistics": (
        nn.InstanceNorm1d(3, affine=True, track_running_stats=True), (2, 3, 4), "BatchNormalization"
    ),
    "last axis": (nn.LayerNorm(4), (2, 3, 4), "LayerNormalization"),
    "last axes, without a bias": (nn.LayerNorm((3, 4), bias=False), (2, 3, 4), "LayerNormalization"),
}  # fmt: skip
MEAN, VARIANCE = (mg.Tensor(np.array(x, np.float32)) for x in ([0.5, -1.0, 2.0], [1.0, 0.3, 2.0]))


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_a_normalization_is_one_operator_where_onnx_has_it(name, rng):
    model, shape, operator = NORMALIZATIONS[name]
    if isinstance(model, nn.Module):
        for t in (*model.parameters(), *model.buffers()):
            if t.ndim:
                t.data = np.asarray(rng.uniform(0.5, 2, t.shape), np.float32)
        model = model.float().eval()
    x = rng.normal(2, 3, shape).astype(np.float32)
    exported = export(model, x, input_names=["x"], dynamic={"x": {0: "n"}})
    assert [node.op_type for node in exported.graph.node] == [operator]
    for values in (x, np.concatenate([x, -x])):
        agree(run(exported, values), results(model, values))
    double = export(model, x, dtype=np.float64)  # where the operator's epsilon would be a float32
    assert operator not in {node.op_type for node in double.graph.node}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: over_deviation(x - MEAN, VARIANCE) + x,  # no vector is added
        lambda x: over_deviation(x - x, VARIANCE),  # nor subtracted
        lambda x: over_deviation(x.reshape(4, 1, 3) - MEAN, VARIANCE) + 1,  # the channels are the last axis
        lambda x: over_deviation(x - MEAN, VARIANCE) + MEAN + MEAN,
    ],
)
def test_what_is_nearly_a_normalization_computes_what_it_says(function, rng):
    x = rng.normal(size=(4, 3)).astype(np.float32)
    agree(run(export(function, x), x), results(function, x))


class Classifier(nn.Module):
    """Words to the chance that they are good: embedding, LSTM, attention over its states."""

    def __init__(self):
        self.embed = nn.Embedding(50, 8)
        self.memory = nn.LSTM(8, 16, num_layers=2, bidirectional=True, batch_first=True)
        self.score = nn.Linear(32, 1)

    def forward(self, words):
        states, _ = self.memory(self.embed(words))
        weight = mg.softmax(self.score(states), axis=1)
        return mg.sigmoid((states * weight).sum(axis=1) @ self.score.weight.T)


class Causal(nn.Module):
    """A language model of two blocks, with positions."""

    def __init__(self):
        self.embed, self.place = nn.Embedding(50, 16), nn.Embedding(32, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True)
        self.blocks, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 50)

    def forward(self, words):
        x = self.embed(words) + self.place(mg.arange(words.shape[1]))
        return self.head(self.blocks(x))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 84), nn.Dropout(), nn.Linear(84, 10), nn.LogSoftmax(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "shape", "other", "axes"),
    [
        (lenet, (2, 1, 28, 28), (5, 1, 28, 28), {0: "batch"}),
        (Classifier, (3, 7), (2, 11), {0: "batch", 1: "words"}),
        (Causal, (3, 7), (2, 11), {0: "batch", 1: "words"}),
    ],
)
def test_whole_models_run_at_other_sizes(make, shape, other, axes, rng):
    model = make().float().eval()
    draw = lambda shape: rng.integers(0, 50, shape) if len(shape) == 2 else rng.normal(size=shape).astype(np.float32)
    exported = export(model, draw(shape), dynamic={"input" if make is lenet else "words": axes})
    x = draw(other)
    agree(run(exported, x), results(model, x))
    (dims,) = [[d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] for x in exported.graph.input]
    assert dims == [axes.get(i, n) for i, n in enumerate(shape)]


class UNet(nn.Module):
    """Two resolutions, of which the finer one comes back beside the coarser one's; lengths are even."""

    def __init__(self, mode):
        self.fine, self.coarse = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2) if mode is None else nn.Upsample(scale_factor=2, mode=mode)
        self.last = nn.Conv2d(12, 1, 1)

    def forward(self, image):
        fine = mg.relu(self.fine(image))
        return self.last(mg.concatenate([fine, self.up(self.coarse(mg.functional.max_pool2d(fine, 2)))], axis=1))


CONTEXT = mg.Tensor(np.arange(6, dtype=np.float32) ** 2)
SIZES = {  # a model, arrays, arrays of other lengths, and the axes that are open
    "lengths are multiples": (UNet("nearest"), (2, 1, 8, 8), [(3, 1, 12, 6)], {0: "n", 2: "h", 3: "w"}),
    "strides that widen": (UNet(None), (2, 1, 8, 8), [(3, 1, 12, 6)], {0: "n", 2: "h", 3: "w"}),
    "windows that leave a rest": (
        lambda x: mg.functional.max_pool2d(x, 2).flatten(1), (2, 3, 8, 8), [(2, 3, 10, 13)], {2: "h", 3: "w"}
    ),
    "a stride of 3": (nn.Sequential(nn.Conv1d(2, 3, 4, stride=3), nn.Flatten(0)), (2, 2, 10), [(2, 2, 13)], {2: "t"}),
    "all elements in a row": (
        lambda x: (mg.softmax(x, axis=None), x.cumsum(), x.argmax()), (2, 6), [(4, 9)], {0: "n", 1: "t"}
    ),
    "softmax over two axes": (lambda x: mg.softmax(x, axis=(0, 2)), (2, 6, 3), [(4, 9, 3)], {0: "n", 1: "t"}),
    "a length that is halved": (
        lambda x: x.reshape(x.shape[0], x.shape[1] // 2, 2).sum(axis=2), (2, 6), [(4, 10)], {0: "n", 1: "t"}
    ),
    "a product beside a length": (nn.GroupNorm(2, 4), (2, 4, 3, 5), [(3, 4, 6, 2)], {0: "n", 2: "h", 3: "w"}),
    "one element at first": (lambda x: x + mg.arange(x.shape[1]), (1, 1), [(3, 5)], {0: "n", 1: "t"}),
    "a context that is full": (
        lambda x: x + CONTEXT[: x.shape[1]].reshape(1, x.shape[1]), (2, 6), [(2, 3)], {1: "t"}
    ),
    "sorting": (lambda x: (mg.sort(x, axis=1), mg.topk(x, 2)), (2, 6), [(4, 9)], {0: "n", 1: "t"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes_follow_from_the_lengths_that_a_model_is_given(name, rng):
    model, shape, others, axes = SIZES[name]
    model = model.float().eval() if isinstance(model, nn.Module) else model
    draw = lambda shape: rng.normal(size=shape).astype(np.float32)
    exported = export(model, draw(shape), input_names=["x"], dynamic={"x": axes})
    for x in map(draw, (shape, *others)):
        agree(run(exported, x), results(model, x))


@pytest.mark.parametrize(
    "model",
    [
        lambda x: mg.functional.max_pool1d(x, 2, ceil_mode=True),
        lambda x: mg.functional.avg_pool1d(x, 2, ceil_mode=True),
        lambda x: mg.concatenate([x] * x.shape[2], axis=1),
        lambda x: x * (2.0 if x.shape[2] > 8 else 3.0),
        lambda x: x.sum(axis=1 if x.shape[2] > 8 else 0),
        lambda x: x[:, :, : x.shape[2] // 3],
        lambda x: x * mg.full((x.shape[2],), 1 / x.shape[2]),
        lambda x: x.sum() * mg.zeros(x.shape[2] ** 2),
        lambda x: x.reshape(2, 4, 4),
    ],
)
def test_what_a_length_decides_is_refused(model, rng):
    with pytest.raises(OnnxError, match=r"open axis|open axes|fixed length|does not run with 9 elements along 't'"):
        export(model, rng.normal(size=(2, 2, 8)), input_names=["x"], dynamic={"x": {2: "t"}})


WHOLE = {
    "floor_divide": lambda x, y: x // y, "remainder": lambda x, y: x % y, "power": lambda x, y: (x % 5) ** (y % 5),
    "floor": lambda x, y: mg.floor(x), "isfinite": lambda x, y: mg.isfinite(x), "sum": lambda x, y: x.sum(),
    "max": lambda x, y: x.max(axis=0), "less": lambda x, y: x < y, "matmul": lambda x, y: x @ y,
    "where": lambda x, y: mg.where(x > y, x, y), "cumsum": lambda x, y: x.cumsum(), "tril": lambda x, y: mg.tril(x),
    "sort": lambda x, y: x.argsort(axis=0), "wraps": lambda x, y: x * y * y * y,
}  # fmt: skip


@together
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint32", "bool"])
def test_whole_numbers_of_any_type_are_computed_as_here(name, dtype, rng):
    x, y = rng.integers(-6, 7, (3, 3)).astype(dtype), np.array([[1, 2, 3], [3, 7, 2], [1, 4, 5]], dtype)
    for a, b in zip(run(export(WHOLE[name], (x, y)), x, y), results(WHOLE[name], x, y), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_values_are_called_by_the_path_of_their_module(rng):
    class Named(nn.Module):
        def __init__(self):
            self.output, self.höhe = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 2), nn.ReLU())

        def forward(self, x):
            return self.höhe(self.output(x)) * 2

    model, x = Named().float(), rng.normal(size=(2, 3)).astype(np.float32)
    exported = export(model, x)
    assert [list(node.output) for node in exported.graph.node] == [["output_2"], ["höhe.0"], ["höhe.1"], ["output"]]
    agree(run(exported, x), results(model, x))
    assert not any(module._hooks for module in model.modules())


@pytest.mark.parametrize("function", [mg.arcsin, mg.arctan, lambda x: mg.arctan2(x, x)])
def test_what_has_no_kernel_in_float64_is_refused(function):
    with pytest.raises(OnnxError, match="has no kernel in float64; export in float32"):
        export(function, np.zeros(2), dtype=np.float64)


@pytest.mark.parametrize("function", [mg.erf, mg.ndtr])
def test_the_error_function_in_float64_is_that_of_the_project(function):
    x = np.array(
        [-np.inf, -40, -27, -6, -3, -1, -0.5, -0.4999, -1e-9, 0, 1e-9, 0.3, 0.5, 0.51, 2, 5, 30, np.inf, np.nan]
    )
    (found,) = run(export(function, x, dtype=np.float64), x)
    np.testing.assert_allclose(found, function(mg.Tensor(x)).data, rtol=1e-15)


def test_parameters_keep_their_names_and_the_reference_evaluator_agrees(rng):
    model, x = lenet().float().eval(), rng.normal(size=(2, 1, 28, 28)).astype(np.float32)
    exported = export(model, x)
    names = {t.name for t in exported.graph.initializer}
    assert names >= {name for name, _ in model.named_parameters()}
    agree(ReferenceEvaluator(exported).run(None, {"input": x}), results(model, x))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    ("model", "shape"),
    [(nn.LSTM(3, 4, proj_size=2), (5, 2, 3)), (nn.MaxPool2d(2, padding=1, dilation=2, ceil_mode=True), (2, 4, 9, 8))],
)
def test_settings_that_runtimes_lack_are_written_out(model, shape, dtype, rng):
    model, x = model.to(dtype), rng.normal(size=shape).astype(dtype)
    agree(run(export(model, x, dtype=dtype), x), results(model, x), dtype)


def test_the_file_is_what_is_returned_and_the_model_stays_in_its_mode(tmp_path, rng):
    model, x = lenet(), rng.normal(size=(2, 1, 28, 28))
    exported = export(model, x, tmp_path / "model.onnx")
    assert onnx.load(tmp_path / "model.onnx") == exported
    assert model.training
    assert model[1].num_batches_tracked.item() == 0
    assert (exported.opset_import[0].version, exported.ir_version) == (18, 8)


def test_parameters_beyond_the_limit_of_the_format_lie_in_a_second_file(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(sys.modules["micrograd_np.onnx.export"], "_LARGEST", 1000)
    monkeypatch.chdir(tmp_path)
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.Linear(64, 300)).float().eval()
    x = rng.normal(size=(2, 64)).astype(np.float32)
    for _ in range(2):  # the second time over the first
        exported = export(model, x, "model.onnx")
        assert (tmp_path / "model.onnx").stat().st_size < 5000
        beside = (tmp_path / "model.onnx.data").stat().st_size
        assert 64 * 364 * 4 + 300 * 4 <= beside < 64 * 364 * 4 + 300 * 4 + 3 * 4096
        onnx.checker.check_model("model.onnx", full_check=True)
        session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
        agree(session.run(None, {"input": x}), results(model, x))
    agree(run(exported, x), results(model, x))  # what is returned is whole
    imported = mg.onnx.load("model.onnx")
    agree(results(imported, x), results(model, x))
    assert {name for name, _ in imported.named_parameters()} == {name for name, _ in model.named_parameters()}


def test_newer_operators_are_written_when_asked_for(rng):
    x = rng.normal(size=(2, 3)).astype(np.float32)
    exported = export(nn.Linear(3, 2).float(), x, opset=21)
    assert exported.opset_import[0].version == 21
    run(exported, x)


def test_what_needs_a_newer_operator_set_says_which():
    x = np.array([2.0, 3.0], np.float32)
    with pytest.raises(OnnxError, match=r"test_export.py:\d+.*cumprod needs the operator CumProd; pass opset=26"):
        export(mg.cumprod, x)
    assert export(mg.cumprod, x, opset=26).opset_import[0].version == 26


@pytest.mark.parametrize("opset", range(18, 27))
def test_every_operator_set_from_18_on_is_written_in_the_lowest_version_of_the_format(opset, rng):
    model, x = lenet().float().eval(), rng.normal(size=(2, 1, 28, 28)).astype(np.float32)
    exported = export(model, x, opset=opset)
    assert exported.ir_version == max(8, onnx.helper.find_min_ir_version_for(exported.opset_import))
    agree(run(exported, x), results(model, x))
    agree(results(mg.onnx.load(exported), x), results(model, x))


class UnderOtherNames(torch.nn.Module):
    """As it is written for PyTorch."""

    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Linear(4, 3)
        self.register_buffer("shift", torch.ones(3))

    def forward(self, x):
        h = torch.relu(self.scores(x.view(x.size(0), -1, 4)) + self.shift)
        return h.softmax(dim=-1).max(dim=1)[0], h.argmax(-1)


def test_a_model_under_the_names_of_pytorch_gets_its_tensors(rng):
    model, x = UnderOtherNames(), rng.normal(size=(2, 3, 4)).astype(np.float32)
    exported = export(model, x, dynamic={"x": {0: "n"}})
    more = np.concatenate([x, -x])
    expected = [t.detach().numpy() for t in model(torch.from_numpy(more))]
    agree(run(exported, more), expected)
    agree(run(export(lambda x: x.sum(dim=0, keepdim=True), torch.from_numpy(x)), x), [x.sum(0, keepdims=True)])


def test_functions_of_several_tensors_and_several_results(rng):
    x, y = rng.normal(size=(2, 2, 3)).astype(np.float32)
    exported = export(lambda x, y: (x @ y.T, mg.maximum(x, y)), (x, y), output_names=["product", "larger"])
    agree(run(exported, x, y), [x @ y.T, np.maximum(x, y)])
    assert [x.name for x in exported.graph.output] == ["product", "larger"]


def test_indices_along_an_axis_that_broadcast(rng):
    x, at = rng.normal(size=(4, 1, 5)).astype(np.float32), rng.integers(0, 5, (1, 3, 2))
    take = lambda x, at: np.take_along_axis(x, at, axis=-1)
    exported = export(take, (x, at), input_names=["x", "at"], dynamic={"x": {0: "n"}})
    for part in (x, x[:2]):
        agree(run(exported, part, at), results(take, part, at))


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_an_image_at_the_places_of_a_grid(mode, rng):
    x, grid = rng.normal(size=(2, 3, 4, 5)), rng.uniform(-1.5, 1.5, (2, 3, 2, 2))
    x, grid = x.astype(np.float32), grid.astype(np.float32)
    sample = lambda x, grid: mg.functional.grid_sample(x, grid, mode, "reflection")
    agree(run(export(sample, (x, grid), input_names=["x", "grid"]), x, grid), results(sample, x, grid))


@together
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: mg.linalg.inv(x) * 1, r"test_export.py:\d+.*inv has no equivalent"),
        (lambda x: x if x.sum().item() > 0 else -x, "item"),
        (lambda x: x + np.ones(2), "frozen"),
        (lambda x: x[x > 0], "mask"),
        (mg.functional.dropout, "noise has no equivalent"),
        (mg.functional.gumbel_softmax, "noise has no equivalent"),
        (lambda x: mg.functional.rrelu(x, training=True), "noise has no equivalent"),
        (lambda x: mg.functional.alpha_dropout(x, training=True), "noise has no equivalent"),
        (lambda x: x + mg.random.randn(2), "noise has no equivalent"),
        (lambda x: None, "returns no tensor"),
        (lambda x: mg.reciprocal(x.astype(int) + 1), "reciprocal of int64 has no equivalent"),
        (nn.Linear, "model must be a Module or a function"),
    ],
)
def test_what_onnx_cannot_say_is_an_error_with_the_line(model, message):
    with pytest.raises((OnnxError, TypeError), match=message):
        export(model, np.eye(2, dtype=np.float32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"opset": 17}, "opset must be a version from 18"),
        ({"dtype": np.float16}, "dtype must be float32 or float64"),
        ({"dynamic": {"y": {0: "n"}}}, "dynamic must be about inputs, which are input"),
        ({"dynamic": {"input": {2: "n"}}}, "an axis of"),
        ({"input_names": ["a", "b"]}, "1 inputs and 2 input_names"),
        ({"output_names": ["a", "b"]}, "1 outputs and 2 output_names"),
        ({"output_names": ["input"]}, "'input' names two inputs or outputs"),
        ({"dynamic": {"input": [0]}}, r"dynamic\['input'\] must be axes by number"),
    ],
)
def test_settings_that_make_no_sense_say_so(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        export(nn.Linear(2, 2), np.ones((1, 2)), **settings)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_of_every_example_runs_at_other_sizes(name, rng):
    model, inputs, axes = network(name)
    names = names_of(inputs)
    example = tuple(arrays(inputs, axes, 0, rng))
    exported = export(model, example, input_names=names, dynamic=dict(zip(names, axes, strict=True)))
    for longer in (0, 2):
        values = [*arrays(inputs, axes, longer, rng)]
        agree(run(exported, *values), results(model, *values))
