"""The plain program is the article's: expressions, no buffers; it runs, and gives the numbers of the compiled one."""

import re

import numpy as np
import pytest
from together import sparing, together
from trainable import BATCH, LAYERS, LOSSES, MATRICES_ONLY, OPTIMIZERS, numbers

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.writing.plain import plain


def called(memory):
    """What `arrays_of` calls some memory."""
    owner = memory.owner
    return f"{owner[0].name}_{owner[1]}" if isinstance(owner, tuple) else owner.name


def ran(found, inputs, arrays, clock_numbers):
    """(results, gradients) of a plain program on inputs and a state given by names."""
    namespace = {}
    exec(found.source, namespace)
    state = {name: arrays[called(v)] for name, v in found.state.items()}
    given = {name: np.asarray(clock_numbers[v.memory.owner.name], v.dtype) for name, v in found.numbers.items()}
    return namespace["step"](*inputs, state, given, found.constants, found.objects), state


def same(x, y):
    """The same calls in order; but fresh arrays may lie in another order in memory, and then sums round otherwise."""
    return x.dtype == y.dtype and np.allclose(x, y, rtol=1e-12, atol=1e-15, equal_nan=True)


def arrays_of(model, optimizer):
    found = {p.name: p.data.copy() for _, p in (*model.named_parameters(), *model.named_buffers())}
    for p, slots in optimizer.state.items():
        found |= {f"{p.name}_{k}": v.copy() for k, v in slots.items() if isinstance(v, np.ndarray)}
    return found


def assert_plain_equals(model, optimizer, loss_of, batches):
    def step(*batch):
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    arrays_of(model, optimizer)  # which names parameters and buffers
    compiled = mg.compile(step)
    compiled(*batches[0])
    before = arrays_of(model, optimizer)
    (group,) = optimizer.param_groups
    t = optimizer.state[group["params"][0]]["step"] + 1
    found = plain(compiled.last.raw)
    generators = {name: x.bit_generator.state for name, x in found.objects.items()}
    loss = compiled(*batches[1])
    for name, state in generators.items():
        found.objects[name].bit_generator.state = state
    ((result,), gradients), state = ran(found, batches[1], before, optimizer.numbers(group, t))
    assert same(result, loss.data)
    wanted = [x.grad.data for x, v in compiled.last.raw.gradients_out if v is not None]
    assert all(map(same, [g for g in gradients if g is not None], wanted))
    after = arrays_of(model, optimizer)
    assert all(same(state[name], after[called(v)]) for name, v in found.state.items())


def test_the_plain_program_reads_as_the_article_does():
    class Net(nn.Module):
        def __init__(self):
            self.inner, self.outer = nn.Linear(3, 5), nn.Linear(5, 2)

        def forward(self, x):
            hidden = self.inner(x).sigmoid()
            return self.outer(hidden)

    model, criterion = Net(), nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH, 3)), rng.random((BATCH, 2))
    step(x, y)
    source = step.source_as("plain")
    found, before = plain(step.last.raw), arrays_of(model, optimizer)
    loss = step(x, y)
    ((result,), _), state = ran(found, (x, y), before, {"lr": 0.1})
    assert result == loss.data
    assert all(np.array_equal(state[name], arrays_of(model, optimizer)[called(v)]) for name, v in found.state.items())
    assert "hidden = 1 / (np.exp(-(x @ model_inner_weight.T + model_inner_bias)) + 1)\n" in source
    assert "model_inner_weight -= lr * d_model_inner_weight\n" in source
    assert not re.search(r"out=|np\.empty|\.copy\(\)", source)


def shown(model, criterion, x, y):
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    step(x, y)
    return step.source_as("plain")


def test_masks_are_choices_in_the_plain_program_not_bits():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, BATCH)
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    source = shown(model, nn.CrossEntropyLoss(), rng.random((BATCH, 4)), labels)
    assert "np.where(relu > 0, d_relu, 0)\n" in source
    assert "count = np.sum(kept).astype(np.float64)\n" in source
    assert f"[np.arange({BATCH}), " in source
    assert not re.search(r"bitwise|\.view\(|np\.empty|constants\['c|minus_one|reshape\(y|\bt(_\d+)? =", source)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3))
    source = shown(model, nn.CrossEntropyLoss(), rng.random((BATCH, 1, 8, 8)), labels)
    assert "np.where(relu > 0, d_relu, 0)\n" in source
    assert not re.search(r"bitwise|\.view\(|part_part", source)


def test_a_convolution_is_windows_and_a_product_in_the_plain_program():
    class Net(nn.Module):
        def __init__(self):
            self.conv, self.pool = nn.Conv2d(1, 2, 3), nn.MaxPool2d(2)

        def forward(self, x):
            return self.pool(self.conv(x))

    model = mg.compile(Net().eval())
    with mg.no_grad():
        model(np.ones((1, 1, 8, 8)))
    source = model.source_as("plain")
    assert "sliding_window_view(x.reshape((1, 8, 8, 1)), (3, 3), axis=(1, 2)).transpose((0, 4, 5, 1, 2, 3))\n" in source
    assert "total = (conv_weight.reshape((2, 9)) @ windows.reshape((9, 36))).reshape((1, 2, 6, 6)) + " in source
    assert "combined = np.maximum(total[..., ::2, :], total[..., 1::2, :])\n" in source
    assert "np.maximum(combined[..., ::2], combined[..., 1::2])\n" in source
    assert not re.search(r"out=|np\.empty|\.copy\(\)|_part", source)


CHOICES = {
    "maximum": mg.maximum,
    "clip": lambda a, b: mg.clip(a, -0.5, 0.5) * b,
    "where": lambda a, b: mg.where(a > b, a * b, b),
    "power": lambda a, b: mg.power(mg.abs(a), b),
    "divide": lambda a, b: mg.where(b > 0, a / b, a),
    "erf": lambda a, b: mg.erf(a) * b,
    "logaddexp": mg.logaddexp,
    "norm": lambda a, b: mg.sqrt((a * a).sum(axis=1)).sum() * b,
    "hardtanh": lambda a, b: nn.functional.hardtanh(a) * nn.functional.hardswish(b),
}


@together
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CHOICES)
def test_choices_have_the_same_numbers_in_the_plain_program(name, dtype):
    rng = np.random.default_rng(0)
    p, q = (mg.Tensor(rng.integers(-2, 3, (4, 3)).astype(dtype) / 2, requires_grad=True, name=n) for n in "pq")

    @mg.compile
    def step(x):
        p.grad = q.grad = None
        z = (CHOICES[name](p * x, q) * x).sum()
        z.backward()
        return z

    x = rng.integers(-2, 3, (4, 3)).astype(dtype)
    with np.errstate(all="ignore"):
        wanted = step(x)
        found = plain(step.last.raw)
        ((z,), gradients), _ = ran(found, (x,), {"p": p.data, "q": q.data}, {})
    assert not re.search(r"bitwise|\.view\(", found.source)
    rtol = 1e-12 if dtype is np.float64 else 1e-6
    leaves = [t for t, _ in step.last.raw.gradients_out]
    assert {id(p), id(q)} == set(map(id, leaves))
    for a, b in zip((z, *gradients), (wanted.data, *(t.grad.data for t in leaves)), strict=True):
        assert a.dtype == b.dtype
        assert np.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True)


@pytest.mark.parametrize("name", sparing(LAYERS, 3))
def test_the_plain_program_of_a_layer_gives_the_same_numbers(name):
    make, *draws = LAYERS[name]
    mg.random.manual_seed(3)
    model = nn.ModuleList([make(), nn.ParameterList([nn.Parameter(np.ones(()))])])
    rng = np.random.default_rng(4)
    batches = [[draw(rng) for draw in draws] for _ in range(2)]
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    assert_plain_equals(model, optimizer, lambda *xs: (model[0](*xs) * model[1][0]).square().mean(), batches)


@pytest.mark.parametrize("name", LOSSES)
def test_the_plain_program_of_a_loss_gives_the_same_numbers(name):
    make, last, *targets = LOSSES[name]
    model, loss = nn.Sequential(nn.Linear(4, 3)), make()
    rng = np.random.default_rng(4)
    batches = [[draw(rng) for draw in (numbers(4), *targets)] for _ in range(2)]
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    assert_plain_equals(model, optimizer, lambda x, *ys: loss(last(model(x)) if last else model(x), *ys), batches)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_plain_program_of_an_optimizer_gives_the_same_numbers(name):
    for settings in OPTIMIZERS[name]:
        model = nn.Sequential(nn.Linear(4, 3, bias=name not in MATRICES_ONLY))
        rng = np.random.default_rng(4)
        batches = [[draw(rng) for draw in (numbers(4), numbers(3))] for _ in range(2)]
        optimizer = getattr(optim, name)(model.parameters(), **settings)
        assert_plain_equals(model, optimizer, lambda x, y, model=model: (model(x) - y).square().mean(), batches)
