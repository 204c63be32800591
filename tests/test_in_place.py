"""Writes in the graph are seen by all that looks into the same memory, as in NumPy, and have their derivatives."""

import gc
import operator
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from together import together

import micrograd_np as mg
from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive


def an_element_of_a_row(y, x):
    y[0][1] = x[1, 0] * 9
    return y


def rows_one_after_another(y, x):
    for row in y:
        row /= row.sum()  # noqa: PLW2901  that is the point
    return y


def a_column_by_its_name(y, x):
    y[:, 0] *= x[:, 1]
    y[:, 0] += 1
    return y


def two_rows_that_change_places(y, x):
    y[0], y[1] = y[1], y[0]
    return y + x


def an_element_of_another_shape(y, x):
    y.reshape(-1)[1] = x[1, 1]
    flat = y.reshape(6)
    flat[2] *= x[0, 0]
    return y * flat.sum()


def rows_of_the_transpose(y, x):
    y.T[0][1] *= 5
    return y


def views_of_views(y, x):
    part = y[:, 1:]
    part[0][1] = x[0, 0]
    part.T[1] *= x[1, 0]
    return y * part.sum()


def views_made_before(y, x):
    transposed, row = y.T, y[1]
    y[1, 0] = x[1, 1] * 2
    return transposed * row.sum()


def overlapping_views(y, x):
    row, column = y[0], y[:, 1]
    row *= x[0]
    column += row.sum()
    return y * row.sum() + column.sum()


def backwards_and_with_steps(y, x):
    part = y[::-1, ::2]
    part[0] += x[0, :2]
    return y


def with_new_axes(y, x):
    y[None, :, 0][0] += x[:, 2]
    return y


def something_without_a_gradient(y, x):
    b = x * 0
    b = b.detach() if isinstance(b, mg.Tensor) else b
    row = b[0]
    row += x[1]
    return b * y


def a_long_way_down(y, x):
    y[1:][0][1:][0:][1] = x[0, 0] ** 2
    return y


FUNCTIONS = [
    an_element_of_a_row,
    rows_one_after_another,
    a_column_by_its_name,
    two_rows_that_change_places,
    an_element_of_another_shape,
    rows_of_the_transpose,
    views_of_views,
    views_made_before,
    overlapping_views,
    backwards_and_with_steps,
    with_new_axes,
    something_without_a_gradient,
    a_long_way_down,
]
each = pytest.mark.parametrize("write", FUNCTIONS, ids=lambda f: f.__name__)
X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
WEIGHTS = np.array([[1.0, -2.0, 0.5], [3.0, 1.5, -1.0]])


def weighed(write, x, weights=WEIGHTS):
    """A number that depends on every element of what `write` makes."""
    y = write(x * 1, x)
    return (y * y * (weights if y.shape == weights.shape else weights.T)).sum()


@together
@each
def test_what_is_written_into_a_view_is_seen_as_in_numpy(write):
    x = mg.Tensor(X.copy(), requires_grad=True)
    assert_array_equal(write(x * 1, x).data, write(X * 1, X))


@together
@each
def test_values_with_and_without_a_gradient_are_equal(write):
    with mg.no_grad():
        x = mg.Tensor(X.copy())
        without = write(x * 1, x)
    x = mg.Tensor(X.copy(), requires_grad=True)
    assert_array_equal(write(x * 1, x).data, without.data)


@together
@each
def test_what_is_written_into_a_view_has_its_derivative(write):
    x = mg.Tensor(X.copy(), requires_grad=True)
    weighed(write, x).backward()
    step = 1e-6
    for i in np.ndindex(X.shape):
        up, down = X.copy(), X.copy()
        up[i] += step
        down[i] -= step
        assert_allclose(x.grad.data[i], (weighed(write, up) - weighed(write, down)) / (2 * step), rtol=1e-6, atol=1e-6)


@together
@each
def test_a_compiled_step_writes_into_views_as_eager_does(write):
    weights = mg.constant(WEIGHTS)

    def step(x):
        loss = weighed(write, x, weights)
        loss.backward()
        return loss

    eager, compiled = (mg.Tensor(X.copy(), requires_grad=True) for _ in range(2))
    program = mg.compile(step)
    for _ in range(3):
        eager.grad = compiled.grad = None
        assert program(compiled).data == step(eager).data
        assert_array_equal(compiled.grad.data, eager.grad.data)


def test_a_detached_tensor_sees_the_write():
    x = mg.Tensor(X.copy(), requires_grad=True)
    y = x * 1
    d = y.detach()
    y[0] *= 3
    assert_array_equal(d.data, y.data)
    assert not d.requires_grad
    with mg.no_grad():
        d[1] = 0  # memory is shared still
    assert_array_equal(y.data[1], 0)


def test_memory_is_shared_after_a_write_in_the_graph():
    y = mg.Tensor(X.copy(), requires_grad=True) * 1
    row = y[0]
    y[1] *= 2
    assert np.shares_memory(row.data, y.data)


def test_a_view_of_a_leaf_that_requires_a_gradient_is_not_written_to():
    w = mg.Tensor(X.copy(), requires_grad=True, name="w")
    row = w[0]
    with pytest.raises(RuntimeError, match=r"w of shape .* is a leaf that requires a gradient"):
        row += 1
    assert_array_equal(w.data, X)
    assert_array_equal(row.data, X[0])


def test_a_view_of_what_nobody_holds_any_more_is_written_to_alone():
    x = mg.Tensor(X.copy(), requires_grad=True)
    y = (x * 1).reshape(6)
    y += 1
    assert_array_equal(y.data, X.ravel() + 1)


def test_copy_into_a_result_has_its_derivative():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.copy_(x * x)
    y.sum().backward()
    assert_array_equal(x.grad.data, [2.0, 4.0])


def test_views_keep_no_graph_and_no_other_memory_alive():
    x = mg.Tensor(X.copy(), requires_grad=True)
    y = x.exp()
    node = weakref.ref(y.node)
    detached = y.detach()
    with mg.no_grad():
        row = y[0]
    copied = y.T.reshape(6)
    del y
    gc.collect()
    assert node() is not None
    del copied
    gc.collect()
    assert node() is None
    assert detached.shape == (2, 3)
    assert row.shape == (3,)


def test_a_thousand_views_of_one_tensor_leave_nothing_behind():
    x = mg.Tensor(X.copy())
    for _ in range(1000):
        x[0].T.reshape(3)
    assert len(x._views) <= 64


OPERATORS = ["iadd", "isub", "imul", "itruediv", "imod", "ifloordiv", "ipow", "imatmul"]


@together
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", [2, 0.5, np.array([[1.0, 2.0], [3.0, 4.0]])], ids=["2", "0.5", "array"])
def test_augmented_assignment_is_in_place_as_in_numpy(name, other):
    if name == "imatmul" and np.ndim(other) == 0:
        other = np.eye(2) * other
    assign = getattr(operator, name)
    array = np.array([[3.0, 2.0], [5.0, 4.0]])
    expected = assign(array.copy(), other)
    memory = array.copy()
    t = mg.Tensor(memory)
    assert assign(t, other) is t
    assert t.data is memory
    result = mg.Tensor(array, requires_grad=True) * 1
    assert assign(result, other) is result
    for found in (t, result):
        assert_array_equal(found.data, expected)
    leaf = mg.Tensor(array.copy(), requires_grad=True)
    with pytest.raises(RuntimeError, match="is a leaf"):
        assign(leaf, other)
    assert_array_equal(leaf.data, array)


@pytest.mark.parametrize("name", ["iand", "ior", "ixor"])
def test_augmented_logic_is_in_place(name):
    assign = getattr(operator, name)
    t = mg.Tensor(np.array([True, False, True]))
    expected = assign(t.data.copy(), np.array([True, True, False]))
    assert assign(t, np.array([True, True, False])) is t
    assert_array_equal(t.data, expected)


def result(*shape):
    return mg.Tensor(np.zeros(shape), requires_grad=True) * 1


W = mg.Tensor(2.0, requires_grad=True)


def test_a_write_keeps_the_dtype():
    t = mg.Tensor(np.ones(3, np.float32))
    view = t[:2]
    t += W * mg.Tensor(np.ones(3))
    assert (t.dtype, view.dtype) == (np.float32, np.float32)
    whole = mg.Tensor(np.arange(3))
    with pytest.raises(TypeError, match=r"is int64 and cannot become float64 in place"):
        whole += W
    assert whole.dtype == np.int64


def test_a_write_keeps_the_shape_and_is_done_wholly_or_not_at_all():
    t = mg.Tensor(np.ones(3))
    with pytest.raises(ValueError, match=r"\(3,\) cannot become \(2, 3\) in place"):
        t += mg.Tensor(np.ones((2, 3))) * W
    h = result(2, 2)
    row, flat = h[0], h.reshape(4)
    with pytest.raises(ValueError, match="cannot become"):
        h @= np.ones((2, 3))
    row += 1
    assert_array_equal(h.data, [[1, 1], [0, 0]])
    assert_array_equal(flat.data, [1, 1, 0, 0])


def test_long_chains_of_views_are_followed():
    h = result(40)
    view = h
    for _ in range(30):
        view = view[1:]
    view[0] = 5.0
    assert h.data[30] == 5
    h[30] = 7.0
    assert view.data[0] == 7


def test_views_of_views_without_end_say_so():
    view = h = result(3)
    for _ in range(1010):
        view = view[::-1]
    with pytest.raises(RuntimeError, match="too many to follow"):
        view[0] = 1.0
    assert_array_equal(h.data, 0)


@pytest.mark.parametrize(
    "detached",
    [
        lambda h: h[0].detach(),
        lambda h: h.detach()[0],
        lambda h: h.T.detach().T[0],
        lambda h: h[:1][0].detach()[:],
        lambda h: h[0].T.detach().reshape(2),
    ],
)
def test_what_was_detached_of_a_view_sees_a_later_write(detached):
    h = result(3, 2)
    d = detached(h)
    h[0] = 5.0
    assert_array_equal(d.data, [5, 5])
    assert not d.requires_grad
    with mg.no_grad():
        d += 1
    assert_array_equal(h.data[0], [6, 6])


def test_a_write_whose_gradient_would_be_lost_is_refused():
    h = result(3, 2)
    d = h.detach()
    with pytest.raises(RuntimeError, match="detached"):
        d[0] = W
    with mg.no_grad():
        view = h[1][:1]
    for write in (lambda: view.__imul__(W), lambda: view.__imul__(2)):
        with pytest.raises(RuntimeError, match=r"made inside no_grad\(\)"):
            write()
    assert_array_equal(h.data, 0)
    with mg.no_grad():
        view += 1
    d += 1  # a detached tensor may be written to outside the graph
    assert_array_equal(h.data, [[1, 1], [2, 1], [1, 1]])


@pytest.mark.parametrize(
    "view",
    [lambda h: h.diagonal(), lambda h: mg.Tensor(np.broadcast_to(h.data, (2, 3, 3)))],
    ids=["diagonal", "spread"],
)
def test_read_only_memory_is_not_written_to_in_the_graph(view):
    h = result(3, 3)
    d = view(h)
    with pytest.raises(ValueError, match="is read-only"):
        d += W
    assert_array_equal(d.data, 0)


def test_a_part_seen_through_an_op_of_ones_own_is_not_written_to_in_the_graph():
    @primitive("every second of {x}", domain=(REALS,), view=True)
    def every_second(xp, out, x):
        return x[::2]

    every_second.vjp(x=lambda g, z, x: mg.stack([g, 0 * g], axis=1).reshape(x.shape))
    h = mg.Tensor(np.zeros(4), requires_grad=True) * 1
    d = every_second(h)
    with pytest.raises(RuntimeError, match=r"shows a part of .* every_second"):
        d += mg.Tensor(np.ones(2), requires_grad=True)
    assert_array_equal(h.data, 0)


@together
@pytest.mark.parametrize(
    "function",
    [
        lambda x: mg.roll(x, 0, 0),
        lambda x: mg.roll(x, (2, 3), (0, 1)),
        mg.clip,
        lambda x: mg.nan_to_num(x.astype(int)),
        lambda x: mg.ravel(x[:, 0]),
        lambda x: mg.einsum("ij->ji", x),
        lambda x: mg.einsum("ij->ij", x),
        lambda x: np.einsum("ii->i", x[:2, :2]),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_numpy_copies_shares_no_memory(function, recorded):
    x = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=recorded) * 1
    y = function(x)
    with mg.no_grad():
        y += 1
    assert_array_equal(x.data, np.arange(6.0).reshape(2, 3))


def test_rows_of_a_list_are_written_in_time_that_can_be_waited_for():
    h = result(300, 3)
    for row in list(h):
        row *= W  # noqa: PLW2901  that is the point
    assert_array_equal(h.data, 0)


def test_what_is_written_to_in_the_graph_dies_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = mg.Tensor(np.zeros((3, 400)))
        x[1] = x[0] * W
        memory = weakref.ref(x.data)
        del x
        assert memory() is None
    finally:
        gc.enable()
