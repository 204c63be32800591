"""Every layer, loss and optimiser, trained compiled, keeps every bit that eager gives; p.grad and buffers too."""

import numpy as np
import pytest
from together import sparing
from trainable import HOLDERS, LAYERS, LOSSES, MATRICES_ONLY, MODULES, OPTIMIZERS, numbers, trained, vector

import micrograd_np as mg
from micrograd_np import nn, optim


def equal(x, y):
    return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")


@pytest.fixture
def default_dtype():
    """Sets the default dtype, for as long as the test lasts."""
    before = mg.get_default_dtype()
    yield mg.set_default_dtype
    mg.set_default_dtype(before)


def assert_equal_training(parts, draws):
    eager, _ = trained(parts, draws, lambda step: step)
    ours, compiled = trained(parts, draws, mg.compile)
    for i, (a, b) in enumerate(zip(eager, ours, strict=True)):
        assert len(a) == len(b)
        assert all(map(equal, a, b)), (
            f"step {i}: {[j for j, (x, y) in enumerate(zip(a, b, strict=True)) if not equal(x, y)]}"
        )
    assert compiled.cache_info().misses == 1


@pytest.mark.parametrize("name", sparing(LAYERS, 3))
def test_a_layer_trains_compiled_as_eagerly(name, default_dtype):
    default_dtype("float32")
    make, *draws = LAYERS[name]

    def parts():
        model = nn.ModuleList([make()])
        scale = nn.Parameter(np.ones((), mg.get_default_dtype()))  # so that there is something to train
        model.append(nn.ParameterList([scale]))
        return (
            model,
            optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
            lambda *xs: (model[0](*xs) * scale).square().mean(),
        )

    assert_equal_training(parts, draws)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_trains_compiled_as_eagerly(name):
    make, last, *targets = LOSSES[name]

    def parts():
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        loss = make()
        return (
            model,
            optim.Adam(model.parameters(), lr=0.1),
            lambda x, *rest: loss(last(model(x)) if last else model(x), *rest),
        )

    assert_equal_training(parts, [vector, *targets])


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_optimizer_steps_compiled_as_eagerly(name, dtype, default_dtype):
    default_dtype(dtype)
    for settings in OPTIMIZERS[name]:

        def parts(settings=settings):
            bias = name not in MATRICES_ONLY
            model = nn.Sequential(nn.Linear(4, 5, bias=bias), nn.Tanh(), nn.Linear(5, 3, bias=bias))
            optimizer = getattr(optim, name)(model.parameters(), **settings)
            return model, optimizer, lambda x, y: (model(x) - y).square().mean()

        assert_equal_training(parts, [vector, numbers(3)])


def test_a_large_batch_is_traced_without_a_warning():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2048, 80)), rng.integers(0, 80, 2048)  # so large that arithmetic is noted, not done

    def step(x, y):
        return nn.CrossEntropyLoss()(x, y)

    assert mg.compile(step)(x, y).item() == step(mg.Tensor(x), y).item()  # a warning is an error in this suite


def test_a_padding_mask_may_be_made_within_the_step():
    attention = nn.MultiheadAttention(4, num_heads=2, batch_first=True)

    def step(x, words):
        return attention(x, x, x, key_padding_mask=words == 0)[0].sum()

    compiled = mg.compile(step)
    rng = np.random.default_rng(0)
    for words in (np.array([[3, 2, 0], [1, 0, 0]]), np.array([[0, 2, 4], [1, 1, 5]])):
        x = rng.standard_normal((2, 3, 4))
        assert compiled(x, words).item() == step(mg.Tensor(x), mg.Tensor(words)).item()


def test_every_layer_is_here():
    missing = MODULES.keys() - LAYERS.keys() - LOSSES.keys() - HOLDERS
    assert not missing, "say in LAYERS of tests/trainable.py how to make it, and what goes in"
