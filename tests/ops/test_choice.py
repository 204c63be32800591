"""Masks, the larger and the smaller, bounds."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.ops.choice import masked_halve, masked_keep, masked_zero

X = np.array([1.0, -2.0, np.inf, np.nan, 0.0])
MASK = np.array([True, False, False, False, True])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_mask_puts_zero_also_for_inf_and_nan(dtype):
    z = masked_keep(X.astype(dtype), MASK)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(masked_zero(X.astype(dtype), ~MASK), [1, 0, 0, 0, 0])


def test_masks_broadcast_and_do_not_mind_strides():
    x = np.arange(6.0).reshape(2, 3).T
    np.testing.assert_array_equal(masked_keep(x, np.array([True, False])), x * [1, 0])
    np.testing.assert_array_equal(masked_keep(np.array(2.0), np.array([True, False])), [2, 0])
    np.testing.assert_array_equal(masked_halve(x[::-1], np.array([True, False])), x[::-1] * [0.5, 1])


def test_where_sends_the_gradient_only_to_what_was_chosen():
    x, y = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    mg.where(np.array([3, 0]), x, y).backward(np.array([5.0, 7.0]))  # numbers count as true unless 0
    assert x.grad.tolist() == [5, 0]
    assert y.grad.tolist() == [0, 7]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (None, 1.0), (0.0, None), (None, None), (2.0, 1.0)])
def test_clip_agrees_with_numpy(low, high):
    x = np.array([-1.0, 0.0, 0.5, 1.0, 3.0, np.nan])
    expected = x if low is None and high is None else np.clip(x, low, high)
    np.testing.assert_array_equal(mg.clip(x, low, high), expected)
    np.testing.assert_array_equal(mg.clip(mg.Tensor(x), low, high).data, expected)
    assert mg.Tensor([1.0], dtype="float32").clip(low, high).dtype == np.float32


def test_the_bound_that_was_reached_gets_the_gradient():
    low, high = (mg.Tensor(v, requires_grad=True) for v in (0.0, 1.0))
    mg.clip(np.array([-1.0, -2.0, 0.0, 0.5, 4.0]), low, high).sum().backward()
    assert low.grad.item() == 2
    assert high.grad.item() == 1


def test_choices_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    x, y = (rng.integers(-3, 4, 40).astype(float) for _ in range(2))  # with many ties
    for name in ("maximum", "minimum"):
        ours = [mg.Tensor(v, requires_grad=True) for v in (x, y)]
        theirs = [torch.tensor(v, requires_grad=True) for v in (x, y)]
        getattr(mg, name)(*ours).sum().backward()
        getattr(torch, name)(*theirs).sum().backward()
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a.grad.data, b.grad.numpy())
