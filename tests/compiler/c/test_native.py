"""Programs that run as C give every bit that eager gives: losses, gradients, parameters, buffers, optimiser state."""

import numpy as np
import pytest
from trainable import LAYERS, LOSSES, OPTIMIZERS, numbers, vector

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.c.build import Build
from micrograd_np.compiler.c.native import FLAGGED, Native
from micrograd_np.compiler.c.toolchain import find_compiler

pytestmark = pytest.mark.skipif(isinstance(find_compiler(), str), reason="there is no C compiler")
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
QUICK = {"Linear", "Conv2d", "MaxPool2d", "BatchNorm1d", "LayerNorm", "Embedding", "LSTM", "Dropout", "GELU"}
QUICK |= {"CrossEntropyLoss", "BCEWithLogitsLoss", "SGD", "Adam"}


def each(names):
    """All of them; those that are not quick, in the thorough run."""
    marks = {name: () if name in QUICK else pytest.mark.thorough for name in names}
    return pytest.mark.parametrize("name", [pytest.param(name, marks=mark) for name, mark in marks.items()])


@pytest.fixture
def default_dtype():
    """Sets the default dtype, for as long as the test lasts."""
    before = mg.get_default_dtype()
    yield mg.set_default_dtype
    mg.set_default_dtype(before)


class InC:
    """A compiled step, which runs in C after the first call."""

    def __init__(self, step):
        self.compiled = mg.compile(step)
        self.native = None
        self.runs = self.flagged = 0

    def __call__(self, *batch):
        result = self.compiled(*batch)
        if self.native is None:
            ((entry,),) = self.compiled.entries.values()
            outputs = iter(entry.outputs)
            each = [None if v is None else next(outputs) for _, v in entry.program.gradients_out]
            self.native = Native(entry.raw, each)
            build = Build(self.native.source)
            assert build.wait() == "ready", build.why
            self.numpy, self.step = entry.step, self.native.bind(build.path)
            entry.step, entry._bound, self.compiled.quick = self.run, None, None
        return result

    def run(self, *arrays):
        self.runs += 1
        result = self.step(*arrays)
        if result is FLAGGED:
            self.flagged += 1
            return self.numpy(*arrays)
        return result


def trained(parts, draws, wrap, steps=4):
    """What training leaves behind, step by step; ``parts()`` gives model, optimiser and the loss of a batch."""
    mg.random.manual_seed(1)
    dtype = mg.get_default_dtype()
    model, optimizer, loss_of = parts()

    def step(*batch):
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    run = wrap(step)
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(steps):
        batch = [draw(rng) for draw in draws]
        loss = run(*[x.astype(dtype) if x.dtype.kind == "f" else x for x in batch])
        rows.append([loss.data.copy()])
        for p in model.parameters():
            rows[-1] += [p.data.copy(), p.grad.data.copy()] if p.grad is not None else [p.data.copy()]
            rows[-1] += [x.copy() for x in optimizer.state[p].values() if isinstance(x, np.ndarray)]
        rows[-1] += [b.data.copy() for b in model.buffers()]
    return rows, run


def assert_equal_bits(parts, draws):
    eager, _ = trained(parts, draws, lambda step: step)
    ours, run = trained(parts, draws, InC)
    for i, (a, b) in enumerate(zip(eager, ours, strict=True)):
        assert len(a) == len(b)
        for j, (x, y) in enumerate(zip(a, b, strict=True)):
            assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes()), f"step {i}, array {j}"
    assert run.compiled.cache_info().misses == 1
    assert (run.runs, run.flagged) == (3, 0)
    return run.native


@each_dtype
@each(LAYERS)
def test_a_layer_trains_in_c_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    make, *draws = LAYERS[name]

    def parts():
        scale = nn.Parameter(np.ones((), dtype))  # so that there is something to train
        model = nn.ModuleList([make(), nn.ParameterList([scale])])
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return model, optimizer, lambda *xs: (model[0](*xs) * scale).square().mean()

    assert_equal_bits(parts, draws)


@each_dtype
@each(LOSSES)
def test_a_loss_trains_in_c_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    make, last, *targets = LOSSES[name]

    def parts():
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        loss = make()
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        return model, optimizer, lambda x, *rest: loss(last(model(x)) if last else model(x), *rest)

    assert_equal_bits(parts, [vector, *targets])


@each_dtype
@each(OPTIMIZERS)
def test_an_optimizer_steps_in_c_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    for settings in OPTIMIZERS[name]:

        def parts(settings=settings):
            bias = name != "Muon"  # which takes matrices only
            model = nn.Sequential(nn.Linear(4, 5, bias=bias), nn.Tanh(), nn.Linear(5, 3, bias=bias))
            optimizer = getattr(optim, name)(model.parameters(), **settings)
            return model, optimizer, lambda x, y: (model(x) - y).square().mean()

        assert_equal_bits(parts, [vector, numbers(3)])
