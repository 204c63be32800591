"""Eigenvalues, singular values, QR and pseudoinverses: what defines them, and gradients of what no sign changes."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import linalg

SHAPES = [(3, 3), (2, 4, 3), (3, 5), (4, 1), (1, 2, 2)]


def drawn(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def t(x):
    return np.swapaxes(x, -1, -2)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_factors_multiply_to_the_matrix(shape):
    x, k = drawn(shape), min(shape[-2:])
    u, s, vh = linalg.svd(x, full_matrices=False)
    close((u * s[..., None, :]) @ vh, x)
    q, r = linalg.qr(x)
    close(q @ r, x)
    close(np.tril(r, -1), 0)
    for columns in (u, t(vh), q):
        close(t(columns) @ columns, np.broadcast_to(np.eye(k), (*shape[:-2], k, k)))
    symmetric = x @ t(x)
    values, vectors = linalg.eigh(symmetric)
    close((vectors * values[..., None, :]) @ t(vectors), symmetric)
    assert (np.diff(values) >= 0).all()
    close(x @ linalg.pinv(x) @ x, x)
    close(linalg.svdvals(x), linalg.svd(x, compute_uv=False))


@together
@pytest.mark.parametrize(
    "f",
    [
        linalg.svdvals,
        linalg.pinv,
        lambda x: linalg.eigvalsh(x @ x.mT + x.mean()),
        lambda x: linalg.qr(x).Q ** 2,
        lambda x: linalg.qr(x).R ** 2,
        lambda x: linalg.svd(x, full_matrices=False).U ** 2,
        lambda x: linalg.svd(x, full_matrices=False).Vh ** 2,
        lambda x: linalg.svd(x, full_matrices=False).U @ linalg.svd(x, full_matrices=False).Vh,
        lambda x: linalg.eigh(x[..., :1, :].mT @ x[..., :1, :] + np.diag(np.arange(x.shape[-1]))).eigenvectors ** 2,
    ],
)
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (3, 5)])
def test_gradients_agree_with_finite_differences(f, shape):
    x = mg.Tensor(drawn(shape), requires_grad=True)
    weight = drawn(f(x).shape, 1)
    assert mg.gradcheck(lambda x: (f(x) * weight).sum(), (x,))


def test_where_eigenvalues_are_equal_what_asks_for_the_values_alone_has_its_gradient():
    x = mg.Tensor(2 * np.eye(3), requires_grad=True)
    (linalg.eigvalsh(x) ** 2).sum().backward()  # Σ x²
    close(x.grad.data, 4 * np.eye(3))
    y = mg.Tensor(np.eye(3), requires_grad=True)
    linalg.norm(y, "nuc").backward()
    close(y.grad.data, np.eye(3))


def test_where_eigenvalues_are_equal_a_gradient_of_their_vectors_is_not_finite():
    x = mg.Tensor(2 * np.eye(3), requires_grad=True)
    values, vectors = linalg.eigh(x)
    with np.errstate(all="ignore"):
        ((vectors * mg.exp(values)) @ vectors.mT).sum().backward()  # exp x has one, but not by way of the vectors
    assert not np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("ord", [2, -2, "nuc"])
def test_norms_by_singular_values_are_numpys(ord):
    x = drawn((2, 4, 3))
    for axis in ((1, 2), (2, 0), (-2, -1)):
        for keepdims in (False, True):
            z = linalg.norm(mg.Tensor(x), ord, axis, keepdims)
            close(z.data, np.linalg.norm(x, ord, axis, keepdims))
            assert z.shape == np.linalg.norm(x, ord, axis, keepdims).shape
    assert mg.gradcheck(lambda x: linalg.matrix_norm(x, ord=ord), (mg.Tensor(x, requires_grad=True),))


def test_numpys_functions_take_tensors():
    x = mg.Tensor(drawn((4, 3)), requires_grad=True)
    s = np.linalg.svd(x, compute_uv=False)
    close(s.data, np.linalg.svd(x.data, compute_uv=False))
    np.linalg.svd(x, full_matrices=False).S.sum().backward()
    assert x.grad is not None
    assert np.linalg.eigh(x.T @ x).eigenvalues.requires_grad
    assert np.linalg.qr(x).R.shape == (3, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (linalg.svd, NotImplementedError, r"svd: a is \(2, 3\), .* say full_matrices=False"),
        (lambda x: linalg.qr(x.T, "complete"), NotImplementedError, r"qr: a is \(3, 2\), and mode='complete' has no"),
        (lambda x: linalg.qr(x, "full"), ValueError, "qr: mode is 'full'; choose reduced"),
        (linalg.eigh, ValueError, r"eigh: a is \(2, 3\); only square matrices"),
        (lambda x: linalg.svdvals(x[0]), ValueError, r"a is \(3,\); it must have at least 2 axes"),
    ],
)
def test_what_has_no_derivative_is_refused_in_words(call, error, says):
    with pytest.raises(error, match=says):
        call(mg.Tensor(drawn((2, 3))))


def test_factors_are_compiled():
    def step(x):
        u, s, vh = linalg.svd(x, full_matrices=False)
        return ((u @ vh) ** 2).sum() + linalg.pinv(x).sum() + (linalg.qr(x).R ** 2).sum() + s.sum()

    compiled = mg.compile(step)
    for seed in range(3):
        x = mg.Tensor(drawn((4, 3), seed))
        assert compiled(x).item() == step(x).item()
    assert compiled.cache_info().hits == 2
