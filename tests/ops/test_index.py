"""Picking, scattering and ordering against NumPy's values and finite differences."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812
from micrograd_np.numpy_api.order import scatter_add_along_axis
from micrograd_np.ops.index import HOLE, scatter_add

rng = np.random.default_rng(0)


def tensor(*shape):
    return mg.Tensor(rng.standard_normal(shape), requires_grad=True)


def judged(function, numpy, *xs):
    np.testing.assert_array_equal(function(*xs).data, numpy(*(x.data for x in xs)))
    assert mg.gradcheck(lambda *xs: function(*xs) ** 2, xs)
    assert mg.gradgradcheck(lambda *xs: function(*xs) ** 2, xs)


KEYS = [
    0,
    -1,
    slice(1, None, 2),
    slice(None, None, -1),
    (..., 0),
    (None, 1),
    [0, 2, 2, -1],
    np.array([[0, 1], [3, 3]]),
    (slice(None), [0, 0, -1]),
    ([0, 1, 1], [2, 2, 2]),
    ([0, 1, 1], slice(None), [0, 1, 0]),
    ([[0], [1]], [[0, 2]]),
    (0, [1, 1]),
    (slice(1), None, [0, 2]),
    (..., [1, 0, 1]),
    ([0, 2, 2], ...),
    rng.random((4, 3, 2)) < 0.5,
    np.array([True, False, True, True]),
    (slice(None), np.array([True, False, True])),
    np.array([], int),
    np.array([3, 1], np.uint8),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_index_of_numpy_picks_and_sends_gradients_back(key):
    judged(lambda x: x[key], lambda x: x[key], tensor(4, 3, 2))


@together
@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_index_of_numpy_can_be_written_to(key):
    x = tensor(4, 3, 2)
    y = x * 1.0
    y[key] = 7.0
    expected = x.data.copy()
    expected[key] = 7.0
    np.testing.assert_array_equal(y.data, expected)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, expected != 7.0)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2), (4, 0), (4, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scattering_adds_bit_for_bit_what_add_at_does(shape, dtype):
    for indices in (rng.integers(-4, 4, 50), rng.integers(-4, 4, (5, 10)), np.array(2)):
        x = rng.standard_normal((*indices.shape, *shape[1:])).astype(dtype)
        expected = np.zeros(shape, dtype)
        np.add.at(expected, indices, x)
        found = scatter_add(x, indices, index=HOLE, shape=shape)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)
        out = np.full(shape[::-1], 9, dtype).T  # a destination that is not contiguous
        scatter_add.kernel(np, out, x, indices, index=HOLE, shape=shape)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_take_is_numpys(axis):
    judged(lambda x: mg.take(x, [[0, 1], [1, 1]], axis), lambda x: np.take(x, [[0, 1], [1, 1]], axis), tensor(3, 2, 2))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_along_axis_is_numpys(axis):
    for n in (1, 3):
        shape = [4, 3]
        shape[axis] = n
        indices = rng.integers(-3, 3, shape)
        judged(
            lambda x, i=indices: mg.take_along_axis(x, i, axis),
            lambda x, i=indices: np.take_along_axis(x, i, axis),
            tensor(4, 3),
        )


def test_what_is_broadcast_along_the_other_axes_is_added_up():
    indices = np.array([[0], [0], [1]])
    judged(lambda x: mg.take_along_axis(x, indices, 1), lambda x: np.take_along_axis(x, indices, 1), tensor(1, 2))
    np.testing.assert_array_equal(scatter_add_along_axis(np.ones((3, 1)), indices, shape=(1, 2), axis=1), [[2, 1]])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_sort_is_numpys(axis):
    judged(lambda x: mg.sort(x, axis), lambda x: np.sort(x, axis), tensor(4, 3))
    x = rng.standard_normal((4, 3))
    np.testing.assert_array_equal(mg.argsort(x, axis=axis), np.argsort(x, axis, kind="stable"))


def test_equal_elements_keep_their_order_and_nan_comes_last():
    x = np.array([2.0, np.nan, 1.0, 2.0, 1.0])
    np.testing.assert_array_equal(mg.argsort(x), [2, 4, 0, 3, 1])
    np.testing.assert_array_equal(mg.argsort(x, descending=True), [0, 3, 2, 4, 1])
    np.testing.assert_array_equal(mg.argsort(np.array([0, 3, 255], np.uint8), descending=True), [2, 1, 0])


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_topk_agrees_with_pytorch(largest, axis):
    torch = pytest.importorskip("torch")
    x = tensor(5, 4)
    t = torch.tensor(x.data, requires_grad=True)
    expected, found = torch.topk(t, 2, axis, largest), mg.topk(x, 2, axis, largest)
    np.testing.assert_array_equal(found[0].data, expected[0].detach().numpy())
    np.testing.assert_array_equal(found[1].data, expected[1].numpy())
    (expected[0] ** 3).sum().backward()
    (found[0] ** 3).sum().backward()
    np.testing.assert_allclose(x.grad.data, t.grad.numpy(), rtol=1e-12)


def test_topk_says_how_many_there_are():
    with pytest.raises(ValueError, match="k=4 of the 3"):
        mg.topk(np.ones(3), 4)


def test_one_hot_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    labels = rng.integers(0, 5, (2, 3))
    for n in (-1, 7):
        np.testing.assert_array_equal(
            F.one_hot(labels, n).data, torch.nn.functional.one_hot(torch.tensor(labels), n).numpy()
        )


@pytest.mark.parametrize(("labels", "kind"), [([0, 3], ValueError), ([-1, 0], ValueError), ([0.5], TypeError)])
def test_one_hot_refuses_what_is_no_class(labels, kind):
    with pytest.raises(kind, match="one_hot"):
        F.one_hot(mg.Tensor(labels), 3)


def test_an_index_outside_is_refused():
    with pytest.raises(IndexError):
        tensor(4, 3)[[0, 4]]
    with pytest.raises(IndexError):
        scatter_add(np.ones((1, 3)), np.array([4]), index=HOLE, shape=(4, 3))


def overwritten(write, index, v):
    """The gradient by `v` of what is left after ``y[index] = v``, weighted."""
    weights = mg.Tensor(np.arange(1.0, 7.0).reshape(3, 2))
    indices = index if isinstance(index, tuple) else (index,)

    def loss(v):
        y = mg.constant(np.ones((3, 2))).clone()
        parts = [mg.constant(i) if isinstance(i, np.ndarray) else i for i in indices]
        write(y, tuple(parts) if isinstance(index, tuple) else parts[0], v)
        return (y * weights).sum()

    return loss, mg.Tensor(v)


def assign(y, index, v):
    y[index] = v


def add_to(y, index, v):
    y[index] += v


REPEATED = {
    "one twice": (np.array([0, 0]), np.ones((2, 2))),
    "a list": ([2, 0, 2], np.ones((3, 2))),
    "from the end": (np.array([0, -3, 1]), np.ones((3, 2))),
    "a scalar": (np.array([0, 0, 1]), np.array(2.0)),
    "a row for all": (np.array([0, 0, 1]), np.ones(2)),
    "elements": ((np.array([0, 0, 1]), np.array([1, 1, 0])), np.ones(3)),
    "a column": ((slice(None), np.array([1, 1])), np.ones((3, 2))),
    "a grid": ((np.array([[0], [0]]), np.array([[0, 1]])), np.ones((2, 2))),
    "a mask, which names nothing twice": (np.array([True, False, True]), np.ones((2, 2))),
    "nothing": (np.array([], int), np.ones((0, 2))),
}


@together
@pytest.mark.parametrize("name", REPEATED)
@pytest.mark.parametrize("write", [assign, add_to])
def test_a_value_that_is_written_over_gets_no_gradient(write, name):
    index, v = REPEATED[name]
    loss, v = overwritten(write, index, v)
    expected = mg.numeric_gradient(loss, v)
    np.testing.assert_allclose(mg.grad(loss)(v).data, expected, atol=1e-6)
    compiled = mg.compile(mg.grad(loss))
    for _ in range(2):
        np.testing.assert_allclose(compiled(v).data, expected, atol=1e-6)


def test_a_repeated_write_into_a_vector_leaves_the_last_value_and_its_gradient():
    v = mg.Tensor([2.0, 3.0], requires_grad=True)
    y = mg.Tensor(np.zeros(3)).clone()
    y[[0, 0]] = v
    y.sum().backward()
    assert y.data.tolist() == [3.0, 0.0, 0.0]
    assert v.grad.data.tolist() == [0.0, 1.0]
