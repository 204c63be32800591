"""A saved C file stands alone: what a C compiler makes of it computes the step's numbers, but for rounding."""

import ctypes
import re
import shutil
import subprocess
import sys
import sysconfig
from itertools import pairwise

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.nn import functional as F

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
CLOSE = {"float32": {"rtol": 2e-4, "atol": 2e-5}, "float64": {"rtol": 1e-9, "atol": 1e-11}}


class Library:
    """A C file as a shared library; ``call(*arrays)`` fills those that it may write."""

    def __init__(self, path):
        target = path.with_suffix(".so")
        subprocess.run([COMPILER, *STRICT, "-O1", "-shared", "-fPIC", path, "-o", target, "-lm"], check=True)
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
@pytest.mark.parametrize("name", MODELS)
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_in_c_goes_where_training_goes(name, dtype, tmp_path):
    mg.random.manual_seed(0)
    model = as_dtype(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 4)), dtype)
    optimizer = getattr(optim, name.partition(",")[0])(model.parameters(), **OPTIMIZERS[name])

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        scores = model(x)
        loss = F.cross_entropy(scores, y)
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


@pytest.mark.parametrize("name", ["lenet", "lstm", "transformer", "batch norm"])
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
