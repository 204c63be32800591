"""Products and linear algebra against NumPy's values and finite differences."""

import itertools

import numpy as np
import pytest
from together import together

import micrograd_np as mg

rng = np.random.default_rng(0)
RANKS = [(3,), (2, 3), (4, 2, 3), (1, 2, 3), (5, 4, 2, 3)], [(3,), (3, 2), (4, 3, 2), (5, 1, 3, 2)]


def tensors(*shapes):
    return tuple(mg.Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes)


def judged(function, numpy, *xs):
    """The value is NumPy's, and first and second derivatives agree with finite differences."""
    np.testing.assert_allclose(function(*xs).data, numpy(*(x.data for x in xs)), rtol=1e-12, atol=1e-12)
    assert mg.gradcheck(lambda *xs: function(*xs) ** 2, xs)
    assert mg.gradgradcheck(lambda *xs: function(*xs) ** 2, xs)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(*RANKS)))
def test_matmul_is_right_for_every_rank(a, b):
    judged(lambda x, y: x @ y, np.matmul, *tensors(a, b))


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]),
        ("bij,bjk->kib", [(2, 3, 4), (2, 4, 2)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 2), (2, 2, 4, 2)]),
        ("...ij,...jk->...ik", [(2, 1, 3, 2), (4, 2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("ij,ij->", [(2, 3), (2, 3)]),
        ("ij,ij->ij", [(1, 3), (2, 3)]),
        ("ij,jk->ik", [(2, 1), (3, 4)]),
        ("ij,kl->jl", [(2, 3), (2, 2)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("ij->ji", [(2, 3)]),
        ("ba", [(2, 3)]),
        ("ijk->j", [(2, 3, 2)]),
        ("iij,jk->ik", [(2, 2, 3), (3, 2)]),
        ("i,ij,jk->k", [(2,), (2, 3), (3, 2)]),
        ("...", [(2, 3)]),
    ],
)
def test_einsum_is_right_in_every_notation(subscripts, shapes):
    judged(lambda *xs: mg.einsum(subscripts, *xs), lambda *xs: np.einsum(subscripts, *xs), *tensors(*shapes))


@pytest.mark.parametrize("axes", [0, 1, 2, ([0, 1], [1, 0]), (0, 1), ([-1], [0])])
def test_tensordot_is_right_over_all_axes(axes):
    judged(lambda x, y: mg.tensordot(x, y, axes), lambda x, y: np.tensordot(x, y, axes), *tensors((2, 2), (2, 2)))


@pytest.mark.parametrize(("a", "b"), [((), (2,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 2)), ((2, 3), (2, 3, 2))])
def test_dot_is_right_for_every_rank(a, b):
    judged(mg.dot, np.dot, *tensors(a, b))


@pytest.mark.parametrize(("a", "b"), [((), (2,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 2, 3))])
def test_inner_is_right_for_every_rank(a, b):
    judged(mg.inner, np.inner, *tensors(a, b))


def test_outer_flattens():
    judged(mg.outer, np.outer, *tensors((2, 2), (3,)))


@pytest.mark.parametrize("k", [-2, -1, 0, 1])
def test_diagonals_and_triangles_are_numpys(k):
    (x,), (v,) = tensors((3, 4)), tensors((3,))
    judged(lambda x: mg.diag(x, k), lambda x: np.diag(x, k), x)
    judged(lambda v: mg.diag(v, k), lambda v: np.diag(v, k), v)
    judged(lambda x: mg.trace(x, k), lambda x: np.trace(x, k), x)
    judged(lambda x: mg.tril(x, k=k), lambda x: np.tril(x, k), x)
    judged(lambda x: mg.triu(x, k=k), lambda x: np.triu(x, k), x)
    (stack,) = tensors((2, 3, 4))
    judged(lambda x: mg.diagonal(x, k, 2, 0), lambda x: np.diagonal(x, k, 2, 0), stack)


def regular(*shape):
    return mg.Tensor(rng.standard_normal(shape) + 3 * np.eye(shape[-1]), requires_grad=True)


def definite(*shape):
    x = rng.standard_normal(shape)
    return mg.Tensor(x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1]), requires_grad=True)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3)])
def test_linear_algebra_is_numpys(shape):
    judged(mg.linalg.inv, np.linalg.inv, regular(*shape))
    judged(mg.linalg.det, np.linalg.det, regular(*shape))
    judged(lambda x: mg.linalg.slogdet(x)[1], lambda x: np.linalg.slogdet(x)[1], regular(*shape))
    judged(mg.linalg.cholesky, np.linalg.cholesky, definite(*shape))
    (b,) = tensors((*shape[:-1], 2))
    judged(mg.linalg.solve, np.linalg.solve, regular(*shape), b)
    (v,) = tensors(shape[-1:])
    judged(mg.linalg.solve, np.linalg.solve, regular(*shape), v)


def test_the_logarithm_of_a_determinant_survives_where_the_determinant_underflows():
    x = mg.Tensor(np.diag([1e-200, -1e-200]), requires_grad=True)
    sign, log = mg.linalg.slogdet(x)
    log.backward()
    assert sign.item() == -1
    np.testing.assert_allclose(x.grad.data, np.diag([1e200, -1e200]))


def test_a_singular_matrix_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        mg.linalg.inv(mg.Tensor(np.zeros((2, 2))))


def test_products_say_what_does_not_fit():
    with pytest.raises(ValueError, match="2 operands, found 1"):
        mg.einsum("ij,jk->ik", np.ones((2, 2)))
    with pytest.raises(ValueError, match="names 3 axes"):
        mg.einsum("ijk->i", np.ones((2, 2)))
    with pytest.raises(ValueError, match="must match"):
        mg.tensordot(np.ones((2, 3)), np.ones((2, 3)), 1)


def test_linear_algebra_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    for name, x in (("inv", regular(3, 3)), ("det", regular(3, 3)), ("cholesky", definite(3, 3))):
        t = torch.tensor(x.data, requires_grad=True)
        (getattr(torch.linalg, name)(t) ** 3).sum().backward()
        (getattr(mg.linalg, name)(x) ** 3).sum().backward()
        np.testing.assert_allclose(x.grad.data, t.grad.numpy(), rtol=1e-8, atol=1e-10)


@together
@pytest.mark.parametrize("subscripts", ["ij,ij->i", "ij,ij->j", "ij,ij->ij", "ij,ij->", "ij,ji->i"])
@pytest.mark.parametrize("shapes", [((1, 2), (2, 1)), ((1, 3), (2, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 3))])
def test_einsum_sends_gradients_through_letters_that_broadcast_on_both_sides(subscripts, shapes):
    rng = np.random.default_rng(0)
    a, b = (mg.Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes)
    if subscripts == "ij,ji->i":
        b = mg.Tensor(b.data.T, requires_grad=True)
    np.testing.assert_allclose(mg.einsum(subscripts, a, b).data, np.einsum(subscripts, a.data, b.data))
    mg.gradcheck(lambda a, b: mg.einsum(subscripts, a, b), a, b)


SINGULAR = {
    "rank 1 of 2": ([[1, 2], [2, 4]], [[4, -2], [-2, 1]]),
    "zeros": ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    "one number": ([[0]], [[1]]),
    "rank 2 of 3": ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
    "a row twice": ([[1, 2, 3], [2, 4, 6], [1, 1, 1]], [[-2, 4, -2], [1, -2, 1], [0, 0, 0]]),
    "rank 1 of 3": ([[1, 2, 3], [2, 4, 6], [3, 6, 9]], np.zeros((3, 3))),
    "underflow": (np.diag([1e-200, -1e-200]), np.diag([-1e-200, 1e-200])),
    "overflow": (np.diag([1e200, -1e200]), np.diag([-1e200, 1e200])),
}


@pytest.mark.filterwarnings("ignore:overflow")  # the determinant itself
@pytest.mark.parametrize("name", SINGULAR)
def test_the_gradient_of_a_determinant_are_the_cofactors_of_a_singular_matrix_too(name):
    x, cofactors = (np.array(v, float) for v in SINGULAR[name])
    tolerance = {"rtol": 1e-12, "atol": 1e-12 * np.abs(x).max() ** (len(x) - 1)}
    slope = mg.grad(mg.linalg.det)
    np.testing.assert_allclose(slope(mg.Tensor(x)).data, cofactors, **tolerance)
    stack = mg.Tensor(np.stack([x, np.eye(len(x))]))
    np.testing.assert_allclose(mg.grad(lambda x: mg.linalg.det(x).sum())(stack).data[0], cofactors, **tolerance)
    compiled = mg.compile(slope)
    for value in (np.eye(len(x)), x):
        np.testing.assert_array_equal(compiled(mg.Tensor(value)).data, slope(mg.Tensor(value)).data)


def test_the_gradient_of_a_determinant_that_is_0_agrees_with_finite_differences(rng):
    for n, rank in ((2, 1), (3, 2), (5, 4)):
        x = mg.Tensor(rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n)), requires_grad=True)
        assert mg.gradcheck(mg.linalg.det, (x,))


def test_other_derivatives_of_a_singular_matrix_name_what_has_none():
    x = mg.Tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    assert mg.linalg.slogdet(x)[1].item() == -np.inf
    with pytest.raises(np.linalg.LinAlgError, match=r"inv: x is \(2, 2\): Singular matrix"):
        mg.linalg.slogdet(x)[1].backward()
    with pytest.raises(np.linalg.LinAlgError, match=r"inv: x is \(2, 2\): Singular matrix"):
        mg.hessian(mg.linalg.det)(x)


def test_the_power_0_is_the_identity_whatever_the_matrix_holds():
    x = np.full((2, 3, 3), np.nan)
    np.testing.assert_array_equal(mg.linalg.matrix_power(x, 0), np.linalg.matrix_power(x, 0))
    for n in (0, 1):
        with pytest.raises(ValueError, match=r"matrix_power: a is \(2, 3\); only square matrices have powers"):
            mg.linalg.matrix_power(np.ones((2, 3)), n)


def test_products_of_vectors_compile():
    a, b = rng.standard_normal((2, 4, 3))
    for function in (mg.cross, mg.vecdot, mg.kron, lambda a, b: mg.linalg.matrix_power(a[:3] + b[:3], 0)):
        compiled = mg.compile(function)
        for _ in range(2):
            np.testing.assert_array_equal(compiled(mg.Tensor(a), mg.Tensor(b)).data, function(a, b))
