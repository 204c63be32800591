"""Activation functions: values as published, gradients by finite differences, PyTorch's names and defaults."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg

F = mg.functional
NAMES = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]
X = np.random.default_rng(4).uniform(-4, 7, (3, 6))
SETTINGS = {
    "celu": [{"alpha": 0.5}, {"alpha": 2.0}],
    "elu": [{"alpha": 0.5}, {"alpha": 2.0}, {"alpha": -1.0}],
    "gelu": [{"approximate": "tanh"}],
    "glu": [{"dim": 1}],
    "hardtanh": [{"min_val": -2.0, "max_val": 0.5}],
    "leaky_relu": [{"negative_slope": s} for s in (0.3, 0.0, 1.0, 3.0, -0.5)],
    "log_softmax": [{"dim": 0}],
    "softmax": [{"dim": 0}],
    "softplus": [{"beta": 2.0}],
}
CASES = [(name, settings) for name in NAMES for settings in ({}, *SETTINGS.get(name, []))]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("silu", -0.268941, 1.761594),
        ("gelu", -0.158655, 1.9545),
        ("elu", -0.632121, 2),
        ("selu", -1.111331, 2.101402),
        ("softplus", 0.313262, 2.126928),
        ("mish", -0.303401, 1.943959),
        ("hardswish", -0.333333, 1.666667),
        ("logsigmoid", -1.313262, -0.126928),
    ],
)
def test_values_are_the_published_ones(name, low, high):
    np.testing.assert_allclose(getattr(F, name)(np.array([-1.0, 2.0])), [low, high], atol=6e-7)


@together
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_gradients_agree_with_finite_differences(name, settings):
    f = getattr(F, name)
    mg.gradcheck(lambda x: f(x, **settings), mg.Tensor(X, requires_grad=True))


@together
@pytest.mark.parametrize("name", NAMES)
def test_single_precision_stays_so(name):
    x = mg.Tensor(X, dtype="float32", requires_grad=True)
    z = getattr(F, name)(x)
    z.sum().backward()
    assert z.dtype == x.grad.dtype == np.float32
    assert isinstance(getattr(F, name)(X), np.ndarray)


@together
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_pytorch_agrees(name, settings):
    torch = pytest.importorskip("torch")
    required = {"dim": -1} if name in {"softmax", "log_softmax"} else {}
    x, t = mg.Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    z = getattr(F, name)(x, **settings)
    w = getattr(torch.nn.functional, name)(t, **{**required, **settings})
    np.testing.assert_allclose(z.data, w.detach().numpy(), rtol=1e-9, atol=1e-12)
    z.sum().backward()
    w.sum().backward()
    np.testing.assert_allclose(x.grad.data, t.grad.numpy(), rtol=1e-9, atol=1e-8)


def test_softplus_and_log_sigmoid_are_accurate_in_both_tails():
    x = np.array([-700.0, -40.0, 40.0, 700.0])
    np.testing.assert_allclose(F.softplus(x), [np.exp(-700.0), np.exp(-40.0), 40.0, 700.0], rtol=1e-14)
    np.testing.assert_allclose(F.logsigmoid(x), [-700.0, -40.0, -np.exp(-40.0), -np.exp(-700.0)], rtol=1e-14)


def test_softmax_does_not_mind_a_shift():
    np.testing.assert_allclose(F.softmax(X + 1e4), F.softmax(X), rtol=1e-9)


def test_glu_of_an_odd_length_is_an_error():
    with pytest.raises(ValueError, match=r"glu: input is \(3, 6\); its length along dim=0 must be even"):
        F.glu(mg.Tensor(X), dim=0)


def test_gelu_knows_two_spellings():
    with pytest.raises(ValueError, match="approximate must be 'none' or 'tanh'; found 'erf'"):
        F.gelu(mg.Tensor(X), approximate="erf")
