"""Functions that draw while training, by their statistics, their formulas and their gradients."""

import numpy as np
import pytest

import micrograd_np as mg
import micrograd_np.functional as F  # noqa: N812  PyTorch's import line
from micrograd_np import nn

LIMIT = 1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
"""Minus what selu tends to at minus infinity: Klambauer et al. (2017), α λ."""


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance_and_is_the_papers_formula(p):
    mg.manual_seed(0)
    values = np.random.default_rng(0).normal(size=200_000)
    x = mg.Tensor(values, requires_grad=True)
    z = F.alpha_dropout(x, p, training=True)
    assert abs(z.mean().item()) < 0.02
    assert abs(z.std().item() - 1) < 0.02
    q, limit = 1 - p, -LIMIT
    a = (q + limit**2 * q * (1 - q)) ** -0.5
    b = -a * (1 - q) * limit
    z.sum().backward()
    kept = x.grad.data != 0
    assert abs(kept.mean() - q) < 0.01
    np.testing.assert_allclose(z.data, a * np.where(kept, values, limit) + b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(x.grad.data, a * kept, rtol=1e-12)


def test_pytorchs_alpha_dropout_maps_what_it_keeps_alike():
    torch = pytest.importorskip("torch")
    values = np.linspace(5.0, 9.0, 1000)  # so that what is dropped is the smallest
    for p in (0.0, 0.3, 1.0):
        theirs = torch.nn.functional.alpha_dropout(torch.tensor(values), p, True).numpy()
        ours = F.alpha_dropout(values, p, training=True).data
        both = (ours > ours.min()) & (theirs > theirs.min())
        np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-6)  # PyTorch rounds its factors
        np.testing.assert_allclose(ours.min(), theirs.min(), rtol=1e-6)


def test_features_are_dropped_together():
    mg.manual_seed(0)
    x = mg.Tensor(np.ones((20, 30, 2, 3)))
    z = nn.FeatureAlphaDropout(0.4)(x).data
    assert len(np.unique(z)) == 2
    assert (z == z[:, :, :1, :1]).all()
    assert abs((z == z.max()).mean() - 0.6) < 0.05
    with pytest.raises(ValueError, match=r"feature_alpha_dropout: input is \(3,\); it must be \(n, channels, …\)"):
        F.feature_alpha_dropout(np.ones(3), training=True)


@pytest.mark.parametrize("make", [nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU])
def test_in_evaluation_nothing_is_drawn(make):
    mg.manual_seed(0)
    before = mg.random.get_state()
    x = mg.Tensor([[-2.0, 3.0]])
    z = make().eval()(x)
    assert mg.random.get_state() == before
    assert z.tolist() == ([[-2.0 * (1 / 8 + 1 / 3) / 2, 3.0]] if make is nn.RReLU else x.tolist())


@pytest.mark.parametrize("f", [F.dropout, F.alpha_dropout])
def test_a_probability_is_from_0_to_1(f):
    assert f(np.ones(3), 1.0, training=True).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=rf"^{f.__name__}: p must be a probability, in \[0, 1\]; found 1.5"):
        f(np.ones(3), 1.5)


def test_a_random_slope_is_even_between_its_bounds_and_is_the_gradient():
    mg.manual_seed(0)
    x = mg.Tensor(np.concatenate([np.full(20_000, -2.0), [0.0, 3.0]]), requires_grad=True)
    z = F.rrelu(x, 0.2, 0.6, training=True)
    z.sum().backward()
    slopes = x.grad.data[:-2]
    np.testing.assert_allclose(z.data[:-2], -2 * slopes, rtol=1e-14)
    assert 0.2 <= slopes.min() < 0.21
    assert 0.59 < slopes.max() < 0.6
    assert abs(slopes.mean() - 0.4) < 0.005
    assert z.data[-2:].tolist() == [0.0, 3.0]
    assert x.grad.data[-1] == 1
    with pytest.raises(ValueError, match=r"^rrelu: lower must be at most upper, 0\.1; found 0\.5"):
        nn.RReLU(0.5, 0.1)([1.0])


@pytest.mark.parametrize("hard", [False, True])
def test_the_largest_of_gumbel_softmax_is_drawn_from_the_softmax(hard):
    mg.manual_seed(0)
    shares = np.array([0.5, 0.3, 0.2, 0.0])
    with np.errstate(divide="ignore"):
        logits = np.log(shares)[:, None].repeat(50_000, 1)
    z = F.gumbel_softmax(logits, tau=0.7, hard=hard, dim=0).data
    np.testing.assert_allclose(z.sum(0), 1, rtol=1e-12)
    np.testing.assert_allclose(np.bincount(z.argmax(0), minlength=4) / 50_000, shares, atol=0.01)
    assert not hard or {*np.unique(z.round(15))} == {0.0, 1.0}


def test_hard_samples_have_the_gradient_of_the_soft_ones():
    rng = np.random.default_rng(0)
    logits, seed, found = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), []
    for hard in (False, True):
        mg.manual_seed(3)
        x = mg.Tensor(logits, requires_grad=True)
        z = F.gumbel_softmax(x, tau=0.5, hard=hard)
        z.backward(seed)
        found.append((z.data, x.grad.data))
    (soft, g), (hard, h) = found
    np.testing.assert_array_equal(g, h)
    np.testing.assert_array_equal(soft.argmax(1), hard.argmax(1))
    expected = soft * (seed - (seed * soft).sum(1, keepdims=True)) / 0.5  # the softmax's rule, of (x + noise) / τ
    np.testing.assert_allclose(g, expected, rtol=1e-12)


def test_gumbel_softmax_keeps_its_dtype_and_says_what_does_not_fit():
    assert F.gumbel_softmax(np.zeros((2, 3), np.float32)).dtype == np.float32
    for tau in (0.0, -1.0):
        with pytest.raises(ValueError, match=r"^gumbel_softmax: tau must be positive; found"):
            F.gumbel_softmax(np.zeros(3), tau)
    with pytest.raises(ValueError, match=r"gumbel_softmax: .*axis 2 is out of bounds"):
        F.gumbel_softmax(np.zeros((2, 3)), dim=2)


def test_compiled_they_draw_anew_in_each_call_and_as_eager_code_does():
    def step(x):
        z = F.gumbel_softmax(x, hard=True) + F.alpha_dropout(x, 0.4, training=True)
        return z + F.rrelu(x, training=True) + F.feature_alpha_dropout(x, 0.4, training=True)

    compiled, x = mg.compile(step), np.random.default_rng(0).normal(size=(3, 4))
    mg.manual_seed(0)
    eager = [step(mg.Tensor(x)).data for _ in range(3)]
    mg.manual_seed(0)
    for expected in eager:
        np.testing.assert_array_equal(compiled(x).data, expected)
    assert not np.array_equal(eager[0], eager[1])
