"""Initial values have the distributions their names promise."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.nn import init


@pytest.fixture(autouse=True)
def seed():
    mg.random.manual_seed(0)


def blank(*shape):
    return nn.Parameter(np.full(shape, np.nan))


def near(found, expected, spread=0.03):
    assert abs(found - expected) < spread * max(1, abs(expected)), (found, expected)


def test_each_returns_its_tensor_and_fills_it():
    for name in [
        "uniform_",
        "normal_",
        "zeros_",
        "ones_",
        "eye_",
        "trunc_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "orthogonal_",
    ]:
        p = blank(4, 5)
        assert getattr(init, name)(p) is p
        assert np.isfinite(p.data).all()
        assert p.requires_grad


@pytest.mark.parametrize(
    ("name", "settings", "std"),
    [
        ("xavier_uniform_", {"gain": 2.0}, 2 * (2 / 700) ** 0.5),
        ("xavier_normal_", {}, (2 / 700) ** 0.5),
        ("kaiming_uniform_", {"nonlinearity": "relu"}, (2 / 400) ** 0.5),
        ("kaiming_uniform_", {"a": 5**0.5}, (1 / 3 / 400) ** 0.5),
        ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "linear"}, (1 / 300) ** 0.5),
        ("uniform_", {"a": -1, "b": 1}, 3**-0.5),
        ("normal_", {"std": 0.3}, 0.3),
    ],
)
def test_spread(name, settings, std):
    values = getattr(init, name)(blank(300, 400), **settings).data
    near(values.std() / std, 1)
    near(values.mean() / std, 0)
    if "uniform" in name:
        near(np.abs(values).max(), 3**0.5 * std, 0.01)


def test_fans_count_the_kernel():
    assert init.fans(blank(8, 3, 5, 5)) == (75, 200)
    with pytest.raises(ValueError, match="two axes"):
        init.fans(blank(3))


@pytest.mark.parametrize(
    ("name", "gain"), [("linear", 1), ("sigmoid", 1), ("conv2d", 1), ("tanh", 5 / 3), ("relu", 2**0.5), ("selu", 0.75)]
)
def test_gains(name, gain):
    assert init.calculate_gain(name) == pytest.approx(gain)
    assert init.calculate_gain("leaky_relu", 0.3) == pytest.approx((2 / 1.09) ** 0.5)
    with pytest.raises(ValueError, match="no gain is known"):
        init.calculate_gain("softmax")


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (3, 2, 4)])
def test_orthogonal(shape):
    m = init.orthogonal_(blank(*shape), gain=3).data.reshape(shape[0], -1)
    small = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(small, 9 * np.eye(len(small)), atol=1e-12)


@pytest.mark.parametrize(("a", "b", "mean", "std"), [(-2, 2, 0, 1), (3, 5, 0, 1), (-0.1, 0.3, 1.0, 0.5)])
def test_truncated_normal(a, b, mean, std):
    values = init.trunc_normal_(blank(100_000), mean, std, a, b).data
    assert a <= values.min() < values.max() <= b
    x = np.linspace(a, b, 20_001)
    density = np.exp(-(((x - mean) / std) ** 2) / 2)
    near(values.mean(), (x * density).sum() / density.sum(), 0.01)


def test_eye_dirac_and_sparse():
    np.testing.assert_array_equal(init.eye_(blank(2, 3)).data, np.eye(2, 3))
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 5))
    kernel = init.dirac_(blank(4, 2, 3, 3), groups=2)
    np.testing.assert_allclose(mg.functional.conv2d(x, kernel, padding=1, groups=2).data, x)
    columns = init.sparse_(blank(10, 6), sparsity=0.25).data
    assert ((columns == 0).sum(0) == 3).all()


def test_a_generator_decides():
    a, b = (init.normal_(blank(5), generator=np.random.default_rng(3)).data for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_dtype_stays():
    assert init.xavier_normal_(nn.Parameter(np.zeros((2, 2), "float32"))).dtype == np.float32


def test_layers_start_where_pytorchs_do():
    near(np.abs(nn.Linear(400, 300).weight.data).max(), 1 / 20, 0.01)
    near(np.abs(nn.Conv2d(16, 64, 5).weight.data).max(), 1 / 20, 0.01)
    near(np.abs(nn.LSTM(7, 100).weight_hh_l0.data).max(), 1 / 10, 0.01)
    near(nn.Embedding(300, 400).weight.data.std(), 1)
    attention = nn.MultiheadAttention(64, 4)
    near(np.abs(attention.in_proj_weight.data).max(), (6 / 256) ** 0.5, 0.01)
    assert not attention.in_proj_bias.data.any()
    assert not attention.out_proj.bias.data.any()
