"""What eager promises, compiled programs keep: the same values to the bit, the same errors, the same functions."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim, training

F = nn.functional


def same_bits(a, b):
    """Whether two tensors have the same bits."""
    return a.shape == b.shape and a.dtype == b.dtype and a.data.tobytes() == b.data.tobytes()


def linear():
    """A layer with weights that are always the same."""
    mg.random.manual_seed(0)
    return nn.Linear(2, 3)


@pytest.mark.parametrize(
    "loss",
    [
        F.cross_entropy,
        lambda z, labels: F.cross_entropy(z, labels, weight=mg.constant([1.0, 2.0, 3.0]), label_smoothing=0.1),
        lambda z, labels: F.nll_loss(F.log_softmax(z, -1), labels),
        F.multi_margin_loss,
        lambda z, labels: (z * F.one_hot(labels, 3)).sum(),
        lambda z, labels: F.embedding(labels, z.T).sum(),
        lambda z, labels: z[:, labels].sum(),
        lambda z, labels: mg.take_along_axis(z, labels[:, None], axis=1).sum(),
    ],
)
def test_a_compiled_step_takes_batches_of_one(loss, rng):
    def made():
        net = linear()
        optimizer = optim.SGD(net.parameters(), lr=0.1)

        def step(x, labels):
            optimizer.zero_grad()
            z = loss(net(x), labels)
            z.backward()
            optimizer.step()
            return z

        return net, step

    net, step = made()
    compiled = mg.compile(step)
    twin, eager = made()
    for n in (4, 1, 4, 1, 2, 2):
        x, labels = rng.standard_normal((n, 2)), rng.integers(0, min(n, 3), n)
        assert same_bits(compiled(x, labels), eager(mg.Tensor(x), mg.Tensor(labels)))
        assert same_bits(net.weight, twin.weight)
    assert compiled.cache_info().hits == 3


def test_fit_compiles_a_last_batch_of_one(rng):
    x, labels = rng.standard_normal((5, 2)), np.array([0, 1, 2, 0, 1])
    nets = []
    for compiled in (False, True):
        net = linear()
        pairs = [(x[:4], labels[:4]), (x[4:], labels[4:])]
        training.fit(
            net, F.cross_entropy, optim.SGD(net.parameters(), lr=0.1), pairs, epochs=3, compile=compiled, progress=False
        )
        nets.append(net)
    assert same_bits(nets[0].weight, nets[1].weight)


PRODUCTS = {
    "inner": lambda x: mg.inner(x, x),
    "einsum with itself, scaled": lambda x: mg.einsum("ij,kj->ik", x, x * 2),
    "stacked": lambda x: mg.einsum("bij,bkj->bik", x[None], x[None] * 2),
    "constants and their transposes": lambda x: (
        mg.constant(np.ones((len(x), len(x)))) @ (mg.constant(np.ones((len(x), len(x))).T) @ x)
    ),
    "a covariance": lambda x: mg.tanh((x - x.mean(axis=0)).T @ (x - x.mean(axis=0))),
    "copies": lambda x: mg.tanh(x.clone().T @ x.clone()),
    "joined": lambda x: mg.tanh(mg.concatenate([x, x]).T @ mg.concatenate([x, x])),
}


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("shape", [(8, 1), (10, 1), (1, 7), (11, 11), (9, 7), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_one_tensor_with_itself_have_eagers_bits(product, shape, dtype, rng):
    derivative = mg.value_and_grad(lambda x: PRODUCTS[product](x).sum())
    compiled = mg.compile(derivative)
    for _ in range(3):
        x = mg.Tensor(rng.standard_normal(shape).astype(dtype))
        assert all(same_bits(a, b) for a, b in zip(compiled(x), derivative(x), strict=True))
