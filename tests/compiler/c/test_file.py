"""A saved C file stands alone: what a C compiler makes of it computes the step's numbers, but for rounding."""

import ctypes
import re
import shutil
import subprocess
from itertools import product

import numpy as np
import pytest
from strategies import every_primitive
from together import sparing

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.check.samples import sample, shapes_for
from micrograd_np.compiler.c import file
from micrograd_np.compiler.c.rolling import rolled
from micrograd_np.functional import cross_entropy

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
CLOSE = {"float32": {"rtol": 2e-4, "atol": 2e-5}, "float64": {"rtol": 1e-9, "atol": 1e-11}}


class Library:
    """A C file as a shared library; ``call(*arrays)`` fills those that it may write."""

    def __init__(self, path):
        target = path.with_suffix(".so")
        subprocess.run([COMPILER, *STRICT, "-O0", "-shared", "-fPIC", path, "-o", target, "-lm"], check=True)
        self.library = ctypes.CDLL(str(target))
        self.name = path.stem

    def call(self, *arrays):
        return getattr(self.library, self.name)(*(ctypes.c_void_p(a.ctypes.data) for a in arrays))

    def load(self, path):
        return getattr(self.library, f"{self.name}_load")(str(path).encode())


def as_dtype(model, dtype):
    return model.float() if dtype == "float32" else model.double()


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)), (5, 2)),
    "64-128-10": (lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)), (3, 64)),
    "lenet": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 5), nn.Sigmoid(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 10), nn.LogSoftmax(1),
        ),
        (2, 1, 12, 12),
    ),
    "lstm": (lambda: nn.LSTM(3, 4), (6, 2, 3)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    "batch norm": (lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Softmax(1)), (3, 3)),
}  # fmt: skip


def flat(results):
    return [x.data for x in (results[0], *results[1])] if isinstance(results, tuple) else [results.data]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sparing(MODELS, 3))
def test_a_prediction_in_c_is_the_models(name, dtype, tmp_path):
    make, shape = MODELS[name]
    mg.random.manual_seed(0)
    model = as_dtype(make(), dtype).eval()
    predict = mg.compile(model)
    X = np.random.default_rng(0).standard_normal((3, *shape)).astype(dtype)
    with mg.no_grad():
        predict(X[0])
        library = Library(predict.save(tmp_path / "predict.c", style="c"))
        for x in X:
            wanted = flat(model(mg.Tensor(x)))
            outputs = [np.empty_like(a, order="C") for a in wanted]
            library.call(x, *outputs)
            for a, b in zip(outputs, wanted, strict=True):
                np.testing.assert_allclose(a, b, **CLOSE[dtype])


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "weight_decay": 0.01},
    "SGD, momentum": {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "nesterov": False},
    "Adam": {"lr": 0.05},
    "AdamW": {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True},
    "RAdam": {"lr": 0.05},
    "NAdam": {"lr": 0.05},
    "RMSprop": {"lr": 0.01, "momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1},
    "Adadelta": {"lr": 1.0},
    "Adamax": {"lr": 0.1},
}


QUICK = {"SGD", "SGD, momentum", "Adam"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.thorough) for name in OPTIMIZERS]
)
def test_training_in_c_goes_where_training_goes(name, dtype, tmp_path):
    mg.random.manual_seed(0)
    model = as_dtype(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 4)), dtype)
    optimizer = getattr(optim, name.partition(",")[0])(model.parameters(), **OPTIMIZERS[name])

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        scores = model(x)
        loss = cross_entropy(scores, y)
        loss.backward()
        optimizer.step()
        return loss, scores

    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((12, 6, 3)).astype(dtype), rng.integers(0, 4, (12, 6))
    step(X[0], Y[0])
    library = Library(step.save(tmp_path / "step.c", style="c"))
    loss, scores = np.empty((), dtype), np.empty((6, 4), dtype)
    for x, y in zip(X[1:], Y[1:], strict=True):
        wanted = step(x, y)
        assert library.call(x, y, loss, scores) == 0
        np.testing.assert_allclose(loss, wanted[0].data, **CLOSE[dtype])
        np.testing.assert_allclose(scores, wanted[1].data, **CLOSE[dtype])


@pytest.mark.parametrize("name", sparing(["lenet", "lstm", "transformer", "batch norm"], 3))
def test_layers_train_in_c(name, tmp_path):
    make, shape = MODELS[name]
    mg.random.manual_seed(0)
    model = as_dtype(make(), "float64")
    for layer in model.modules():
        if "dropout" in type(layer).__name__.lower() or isinstance(layer, nn.TransformerEncoderLayer):
            layer.eval()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        out = model(x)
        loss = (out[0] if isinstance(out, tuple) else out).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    X = np.random.default_rng(0).standard_normal((5, *shape))
    step(X[0])
    library = Library(step.save(tmp_path / "step.c", style="c"))
    loss = np.empty(())
    for x in X[1:]:
        wanted = step(x)
        library.call(x, loss)
        np.testing.assert_allclose(loss, wanted.data, **CLOSE["float64"])


def test_a_traced_call_with_gradients_is_saved_as_a_prediction(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    predict = mg.compile(model)
    x = np.random.default_rng(0).standard_normal((4, 2))
    wanted = predict(x).data
    out = np.empty_like(wanted)
    Library(predict.save(tmp_path / "predict.c", style="c")).call(x, out)
    np.testing.assert_allclose(out, wanted)


def test_gradients_of_what_is_not_updated_are_results(tmp_path):
    w = nn.Parameter(np.array([[1.0, 2.0], [3.0, 4.0]]), name="w")

    @mg.compile
    def step(x):
        w.zero_grad()
        loss = (w @ x).square().sum()
        loss.backward()
        return loss

    x = np.array([1.0, -1.0])
    step(x)
    path = step.save(tmp_path / "step.c", style="c")
    loss, gradient = np.empty(()), np.empty((2, 2))
    Library(path).call(x, loss, gradient)
    assert loss == 2  # (1 - 2)² + (3 - 4)²
    assert gradient.tolist() == [[-2, 2], [-2, 2]]


def test_gradients_add_up_where_the_caller_keeps_them(tmp_path):
    w = nn.Parameter(np.ones(2), name="w")

    @mg.compile
    def accumulate(x):
        loss = (w * x).sum()
        loss.backward()
        return loss

    x = np.array([3.0, 4.0])
    accumulate(x)
    accumulate(x)
    library = Library(accumulate.save(tmp_path / "accumulate.c", style="c"))
    gradient, loss = np.zeros(2), np.empty(())
    library.call(x, gradient, loss)
    library.call(x, gradient, loss)
    assert gradient.tolist() == [6, 8]
    assert loss == 7


MAIN = """
#include <stdio.h>
#include "step.c"

int main(void) {
    const double x[2] = {1.0, 2.0};
    double loss[1];
    for (int i = 0; i < 3; i++) {
        sgd.lr = 0.1 / (i + 1);
        step(x, loss);
        printf("%.17g %.17g\\n", loss[0], w[1]);
    }
    return 0;
}
"""


def test_a_program_includes_the_file_and_sets_the_learning_rate(tmp_path):
    w = nn.Parameter(np.array([0.5, -0.5]), name="w")
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        loss = (w - x).square().sum()
        loss.backward()
        optimizer.step()
        return loss

    x = np.array([1.0, 2.0])
    step(x)
    step.save(tmp_path / "step.c", style="c")
    (tmp_path / "main.c").write_text(MAIN)
    command = [COMPILER, *STRICT, "main.c", "-o", "main", "-lm"]
    subprocess.run(command, check=True, cwd=tmp_path)
    said = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    for i, row in enumerate(said.splitlines()):
        optimizer.param_groups[0]["lr"] = 0.1 / (i + 1)
        loss = step(x)
        np.testing.assert_allclose([float(n) for n in row.split()], [loss.item(), w.data[1]])


def test_two_optimisers_and_two_updates_in_one_call_are_counted(tmp_path):
    w, v = (nn.Parameter(np.linspace(-1, 1, 4) + i) for i in range(2))
    adam, sgd = optim.Adam([w, v], lr=0.1), optim.SGD([w], lr=0.01, momentum=0.5)

    @mg.compile
    def step(x):
        for optimizer in (adam, sgd, adam):
            optimizer.zero_grad()
            loss = ((w * x).square().sum() + (v * x).sum()) * 2
            loss.backward()
            optimizer.step()
        return loss

    x = np.arange(4.0)
    for _ in range(3):
        step(x)
    library, loss = Library(step.save(tmp_path / "step.c", style="c")), np.empty(())
    for _ in range(3):
        library.call(x, loss)
        np.testing.assert_allclose(loss, step(x).data)


def test_a_label_out_of_bounds_stops_the_step_before_it_changes_anything(tmp_path):
    model = nn.Linear(2, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = np.random.default_rng(0).standard_normal((4, 2)), np.array([0, 1, 2, 0])
    step(x, y)
    library = Library(step.save(tmp_path / "step.c", style="c"))
    loss = np.empty(())
    assert library.call(x, np.array([0, 1, 3, 0]), loss) == 1
    assert library.call(x, y, loss) == 0
    np.testing.assert_allclose(loss, step(x, y).data)


def test_arguments_may_be_small_empty_or_changed(tmp_path):
    @mg.compile
    def step(labels, nothing, x):
        with mg.no_grad():
            x[0] = x[1] * 2
        return cross_entropy(x.reshape(1, 3), labels), nothing.sum(), nothing * 2, (x > 1).any()

    nothing, x = np.zeros((0, 2)), np.arange(3.0)
    wanted = step(np.array([2], np.uint8), nothing, mg.Tensor(x.copy()))
    library = Library(step.save(tmp_path / "step.c", style="c"))
    outputs = [np.full(a.shape, 7, a.dtype) for a in wanted]
    assert library.call(np.array([2], np.uint8), nothing, x, *outputs) == 0
    for a, b in zip(outputs, wanted, strict=True):
        np.testing.assert_allclose(a, b.data)
    assert x.tolist() == [2, 1, 2]


def test_names_of_users_are_no_words_of_the_file_and_of_cs_library(tmp_path):
    words = ["erf", "remainder", "getline", "printf", "NAN", "INFINITY", "M_PI_2", "INT8_MAX", "FILE", "total", "main"]
    states = [mg.Tensor(np.full(3, i + 0.5), name=word) for i, word in enumerate(words)]
    space = {"mg": mg, "states": states}
    exec(f"def step({', '.join(words)}): return mg.stack([{', '.join(words)}]).exp() * mg.stack(states)", space)
    step = mg.compile(space["step"])
    arrays = [np.full(3, i / 10) for i in range(len(words))]
    wanted = step(*arrays).data
    library = Library(step.save(tmp_path / "predict.c", style="c"))
    library.call(*arrays, found := np.zeros_like(wanted))
    np.testing.assert_allclose(found, wanted)


def test_memory_that_two_names_share_is_refused():
    w = nn.Parameter(np.ones(3), name="w")
    part = mg.Tensor(w.data[1:], name="part")

    def step():
        with mg.no_grad():
            w.copy_(w * 2)
        return part * 3

    assert "share memory" in refused(step)


def test_rows_are_looked_up_and_learned(tmp_path):
    table = nn.Embedding(5, 3).double()
    optimizer = optim.SGD(table.parameters(), lr=0.1)

    @mg.compile
    def step(i):
        optimizer.zero_grad()
        rows = table(i)
        loss = rows.square().sum()
        loss.backward()
        optimizer.step()
        return loss, rows.argmax(axis=2), rows > 0

    I = np.random.default_rng(0).integers(0, 5, (4, 2, 6))
    step(I[0])
    library = Library(step.save(tmp_path / "step.c", style="c"))
    loss, best, positive = np.empty(()), np.empty((2, 6), int), np.empty((2, 6, 3), bool)
    for i in I[1:]:
        wanted = step(i)
        assert library.call(i, loss, best, positive) == 0
        np.testing.assert_allclose(loss, wanted[0].data)
        assert np.array_equal(best, wanted[1].data)
        assert np.array_equal(positive, wanted[2].data)


def test_many_parameters_are_read_from_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr(file, "LARGEST", 10)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    predict = mg.compile(model)
    x = np.random.default_rng(0).standard_normal((4, 3))
    with mg.no_grad():
        wanted = predict(x).data
    library = Library(predict.save(tmp_path / "predict.c", style="c"))
    assert library.load(tmp_path / "nothing.bin") == 1
    assert library.load(tmp_path / "predict.bin") == 0
    out = np.empty_like(wanted)
    library.call(x, out)
    np.testing.assert_allclose(out, wanted)


def test_parameters_may_lie_in_any_order(tmp_path):
    model = nn.Linear(3, 4, bias=False)
    model.weight.data = np.asfortranarray(model.weight.data.T.copy().T)
    predict = mg.compile(lambda x: (model(x), model.weight.T * 2, model.weight * 2))
    x = np.random.default_rng(0).standard_normal((2, 3))
    with mg.no_grad():
        wanted = [z.data for z in predict(x)]
    outputs = [np.empty_like(a, order="C") for a in wanted]
    Library(predict.save(tmp_path / "predict.c", style="c")).call(x, *outputs)
    for a, b in zip(outputs, wanted, strict=True):
        np.testing.assert_allclose(a, b)


def refused(function, *arrays):
    step = mg.compile(function)
    step(*arrays)
    with pytest.raises(mg.CompileError) as error:
        step.save("step.c", style="c")
    return str(error.value)


def test_what_c_does_not_say_is_named_with_the_users_line():
    layer = nn.Dropout(0.5)
    x = mg.Tensor([[3.0, 1.0], [2.0, 1.0]])
    assert re.search(r"a draw of random numbers, in .*layer\(x\) \* 2", refused(lambda x: layer(x) * 2, x))
    assert re.search(r"np\.argsort, in test_file.py:\d+  .*argsort", refused(lambda x: x.argsort(), x))
    assert "row after row" in refused(lambda x: x * 2, np.ones((2, 3)).T)


@pytest.mark.parametrize("path", ["step.py", "main.c", "double.c", "tanh.c", "a-b.c"])
def test_a_c_file_is_called_as_a_function_may_be(path):
    step = mg.compile(lambda x: x * 2)
    step(np.ones(2))
    with pytest.raises(ValueError, match=r"such as 'train_step\.c'"):
        step.save(path, style="c")


def test_a_recurrence_is_a_loop(tmp_path):
    recurrence = mg.compile(nn.LSTM(3, 4))
    lengths = []
    for n in (6, 12):
        recurrence.clear()
        with mg.no_grad():
            recurrence(np.zeros((n, 2, 3)))
        text = recurrence.save(tmp_path / "recurrence.c", style="c").read_text()
        assert "for (int q = 0; q < " in text
        lengths.append(text.count("\n"))
    assert lengths[0] == lengths[1]


def test_rows_that_repeat_with_growing_numbers_are_a_loop():
    rows = ["begin();"] + [row for i in range(4) for row in (f"f(x + {8 + 2 * i}, y);", f"z[{i}] = {30 - i} * 2;")]
    assert rolled(rows) == rows  # 30 - i may not move where it is a factor
    rows = ["begin();"] + [row for i in range(4) for row in (f"f(x + {8 + 2 * i}, y);", f"z[{i}] = x[{30 - i}];")]
    loop = ["for (int q = 0; q < 4; q++) {", "    f(x + 8 + 2 * q, y);", "    z[0 + q] = x[30 - q];", "}"]
    assert rolled(rows) == ["begin();", *loop]
    assert rolled(["f(x + 1);", "f(x + 2);", "f(x + 4);"]) == ["f(x + 1);", "f(x + 2);", "f(x + 4);"]


def forward(op, first, second):
    """A step that applies a primitive, called once, arguments of another call, and what that gives."""
    step = mg.compile(lambda *xs: op(*xs, **first.static))
    with mg.no_grad():
        step(*first.inputs)
    return step, [np.ascontiguousarray(x) for x in second.inputs], [np.asarray(second.apply())]


def backward(op, first, second):
    """The same of a step that pulls a gradient back; what it gives are the result and the gradients."""
    leaves = [mg.Tensor(x.copy(), requires_grad=i in first.varied) for i, x in enumerate(first.inputs)]

    @mg.compile
    def step(seed):
        for x in leaves:
            x.zero_grad()
        z = op(*leaves, **first.static)
        z.backward(seed)
        return z

    step(np.ones(first.apply().shape))
    seed = np.random.default_rng(2).standard_normal(first.apply().shape)
    result = step(seed)
    return step, [seed], [result.data, *(leaves[i].grad.data for i in sorted(first.varied))]


@pytest.mark.thorough
@pytest.mark.parametrize("way", [forward, backward])
@every_primitive
def test_a_primitive_in_c_is_numpys(op, way, tmp_path):
    paths, calls = [], []
    for shapes, static in product(shapes_for(op), op.examples):
        first, second = (sample(op, shapes, static, np.random.default_rng(seed)) for seed in (0, 1))
        if way is forward or (op.smooth and first.varied):
            step, inputs, wanted = way(op, first, second)
            try:
                paths.append(step.save(tmp_path / f"sample_{len(paths)}.c", style="c"))
            except mg.CompileError:
                continue  # it says why
            calls.append((paths[-1].stem, inputs, wanted))
    if not paths:
        return
    subprocess.run([COMPILER, *STRICT, "-shared", "-fPIC", *paths, "-o", tmp_path / "all.so", "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "all.so"))
    for name, inputs, wanted in calls:
        outputs = [np.empty_like(a, order="C") for a in wanted]
        getattr(library, name)(*(ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *outputs)))
        for a, b in zip(outputs, wanted, strict=True):
            np.testing.assert_allclose(a, b, **CLOSE.get(a.dtype.name, {"rtol": 0}))
