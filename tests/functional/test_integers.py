"""Integers and booleans: nothing wraps and nothing is refused where floating numbers have an answer."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812

DTYPES = [np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64]


def rows(dtype):
    """Three rows whose differences, products and powers leave the narrow dtypes; and one of signs."""
    if dtype == np.bool_:
        return np.array([[1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 0, 1]], dtype), np.array([1, 1, 0, 1], dtype)
    low = -100 if np.iinfo(dtype).min < 0 else 0
    x = np.array([[1, low, 127, 3], [3, 100, 0, 4], [5, 7, 11, 120]], dtype)
    return x, np.array([1, -1 if low else 1, 1, -1 if low else 1]).astype(dtype)


def _share(x):
    """0 or 1 of the dtype of `x`."""
    return (x > 1).astype(x.dtype)


LOSSES = {
    **{
        name: lambda x, y, z, s, name=name, **k: getattr(F, name)(x, y, **k)
        for name in (
            "mse_loss",
            "l1_loss",
            "smooth_l1_loss",
            "huber_loss",
            "kl_div",
            "binary_cross_entropy_with_logits",
        )
    },
    "binary_cross_entropy": lambda x, y, z, s, **k: F.binary_cross_entropy(_share(x), _share(y), **k),
    "poisson_nll_loss": lambda x, y, z, s, **k: F.poisson_nll_loss(s, y, full=True, **k),
    "gaussian_nll_loss": lambda x, y, z, s, **k: F.gaussian_nll_loss(x, y, z, **k),
    "soft_margin_loss": lambda x, y, z, s, **k: F.soft_margin_loss(x, s, **k),
    "hinge_embedding_loss": lambda x, y, z, s, **k: F.hinge_embedding_loss(x, s, **k),
    "margin_ranking_loss": lambda x, y, z, s, **k: F.margin_ranking_loss(x, y, s, **k),
    "triplet_margin_loss": lambda x, y, z, s, **k: F.triplet_margin_loss(x[None], y[None], z[None], swap=True, **k),
    "cosine_embedding_loss": lambda x, y, z, s, **k: F.cosine_embedding_loss(x[None], y[None], s[:1], **k),
    "cross_entropy": lambda x, y, z, s, **k: F.cross_entropy(x[None], [1], label_smoothing=0.1, **k),
    "nll_loss": lambda x, y, z, s, **k: F.nll_loss(x[None], [1], **k),
    "multi_margin_loss": lambda x, y, z, s, **k: F.multi_margin_loss(x[None], [1], p=2, **k),
}
OTHERS = {
    "cosine_similarity": lambda x, y: F.cosine_similarity(x[None], y[None]),
    "pairwise_distance": lambda x, y: F.pairwise_distance(x[None], y[None], p=3),
    "normalize": lambda x, y: F.normalize(x[None], p=3),
    "layer_norm": lambda x, y: F.layer_norm(x, 4),
    "rms_norm": lambda x, y: F.rms_norm(x, 4),
    "group_norm": lambda x, y: F.group_norm(x[None], 2),
    "instance_norm": lambda x, y: F.instance_norm(x[None, None]),
    "batch_norm": lambda x, y: F.batch_norm(mg.stack([x, y]), None, None, training=True),
    "avg_pool1d": lambda x, y: F.avg_pool1d(x[None], 2),
    "adaptive_avg_pool1d": lambda x, y: F.adaptive_avg_pool1d(x[None], 3),
    "scaled_dot_product_attention": lambda x, y: F.scaled_dot_product_attention(x[None], y[None], y[None]),
}
ACTIVATIONS = {
    **{
        name: getattr(F, name)
        for name in (
            "celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_sigmoid", "mish", "relu",
            "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh", "tanhshrink", "softmax", "log_softmax",
        )
    },
    "gelu tanh": lambda x: F.gelu(x, "tanh"),
    "celu 2": lambda x: F.celu(x, 2.0),
    "softplus 2": lambda x: F.softplus(x, 2.0),
    "prelu": lambda x: F.prelu(x, np.array([0.25])),
}  # fmt: skip


@together
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_integers_is_that_of_floating_numbers(name, reduction, dtype):
    (x, y, z), s = rows(dtype)
    expected = LOSSES[name](*(v.astype(float) for v in (x, y, z, s)), reduction=reduction)
    for wrap in (np.asarray, mg.Tensor):
        found = LOSSES[name](*map(wrap, (x, y, z, s)), reduction=reduction)
        np.testing.assert_array_equal(found.data, expected.data)
        assert found.dtype == np.float64


@together
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OTHERS)
def test_norms_means_and_distances_of_integers_are_those_of_floating_numbers(name, dtype):
    (x, y, _), _ = rows(dtype)
    found, expected = (OTHERS[name](*pair) for pair in ((x, y), (x.astype(float), y.astype(float))))
    np.testing.assert_array_equal(found.data, expected.data)


@together
@pytest.mark.parametrize("dtype", [*DTYPES, np.uint16])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_of_the_largest_and_the_smallest_integers_is_that_of_floating_numbers(name, dtype):
    low, high = (0, 1) if dtype == np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    x = np.array([low, high, 0, 1, high - (high > 1), high // 2], dtype)
    for wrapped in (x, mg.Tensor(x)):
        found = np.asarray(mg.Tensor(ACTIVATIONS[name](wrapped)).data, float)
        np.testing.assert_allclose(found, ACTIVATIONS[name](x.astype(float)), rtol=2e-3, atol=1e-3)


def test_a_loss_of_integers_is_as_compiled_as_it_is_eager():
    x, y = np.array([1, 3], np.uint8), np.array([3, 1], np.uint8)
    compiled = mg.compile(F.l1_loss)
    for _ in range(2):
        assert compiled(x, y).item() == 2.0
    assert compiled(y, np.array([255, 0], np.uint8)).item() == 126.5


@pytest.mark.parametrize(
    "norm", [lambda x: F.layer_norm(x, 4), lambda x: F.rms_norm(x, 4), lambda x: F.group_norm(x, 2)]
)
def test_large_values_of_half_precision_are_normalised_as_in_double(norm):
    x = np.array([[3000, -3000, 1000, 500], [1, 2, 3, 4]])
    np.testing.assert_allclose(norm(x.astype(np.float16)).data, norm(x.astype(float)).data, atol=2e-3)
    assert norm(x.astype(np.float16)).dtype == np.float16
