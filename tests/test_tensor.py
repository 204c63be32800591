"""`Tensor`: what it takes, what it is, how it computes, how values leave it."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np.engine.tensor import Tensor


class TestConstruction:
    def test_shares_the_memory_of_an_array(self):
        array = np.ones(3)
        assert Tensor(array).data is array

    def test_copies_where_another_dtype_is_asked_for(self):
        array = np.ones(3)
        t = Tensor(array, dtype="float32")
        assert t.dtype == np.float32
        assert not np.shares_memory(t.data, array)

    @pytest.mark.parametrize(
        ("data", "dtype"),
        [
            (1.5, "float64"),
            ([1.0, 2.0], "float64"),
            ([1, 2], "int64"),
            (True, "bool"),
            (np.float32(1), "float32"),
            (np.ones(2, np.float16), "float16"),
            ([[True], [False]], "bool"),
            ([], "float64"),
        ],
    )
    def test_takes_the_dtype_that_numpy_would(self, data, dtype):
        assert Tensor(data).dtype == dtype

    def test_pythons_floats_take_the_default_dtype(self):
        mg.set_default_dtype("float32")
        try:
            assert Tensor([1.0, 2.0]).dtype == np.float32
            assert Tensor(np.ones(2)).dtype == np.float64  # an array has its own
            assert Tensor([1, 2]).dtype == np.int64
        finally:
            mg.set_default_dtype("float64")

    def test_has_the_attributes_of_an_array(self):
        t = Tensor(np.zeros((2, 3), np.float32), name="t")
        assert (t.shape, t.ndim, t.size, t.dtype, t.name, len(t)) == ((2, 3), 2, 6, np.float32, "t", 2)
        assert t.T.shape == (3, 2)
        assert t.is_leaf
        assert t.grad is None
        assert not t.requires_grad

    def test_shows_what_it_is(self):
        assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
        text = repr(Tensor(np.ones(1, np.float32), requires_grad=True, name="w"))
        assert text == "Tensor([1.], dtype=float32, name='w', requires_grad=True)"
        assert "op=multiply" in repr(Tensor(1.0, requires_grad=True) * 2)
        assert f"{Tensor(2.0):.3f}" == "2.000"

    def test_is_hashed_by_identity(self):
        one, other = Tensor(1.0), Tensor(1.0)
        assert len({one, other, one}) == 2


class TestOperators:
    x, y = np.array([[1.0, -2.0], [3.0, 4.0]]), np.array([[2.0, 5.0], [-1.0, 0.5]])

    @together
    @pytest.mark.parametrize("operator", ["+", "-", "*", "/", "@", "<", "<=", ">", ">=", "==", "!="])
    @pytest.mark.parametrize(
        ("left", "right"),
        [
            (Tensor, Tensor),
            (Tensor, np.asarray),
            (np.asarray, Tensor),
            (Tensor, np.ndarray.tolist),
            (np.ndarray.tolist, Tensor),
        ],
        ids=["TT", "TA", "AT", "TL", "LT"],
    )
    def test_is_what_numpy_computes(self, operator, left, right):
        expected = eval(f"x {operator} y", {"x": self.x, "y": self.y})
        found = eval(f"x {operator} y", {"x": left(self.x), "y": right(self.y)})
        assert isinstance(found, Tensor)
        np.testing.assert_array_equal(found.data, expected)

    @together
    @pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**", "<", "<=", ">", ">=", "==", "!="])
    @pytest.mark.parametrize("scalar", [2, 2.5, np.float64(2.5), np.float32(2.5)])
    @pytest.mark.parametrize("swapped", [False, True])
    def test_works_with_a_scalar_on_either_side(self, operator, scalar, swapped):
        expression = f"s {operator} x" if swapped else f"x {operator} s"
        expected = eval(expression, {"x": self.y**2, "s": scalar})
        found = eval(expression, {"x": Tensor(self.y**2), "s": scalar})
        assert isinstance(found, Tensor)
        np.testing.assert_allclose(found.data, expected, rtol=1e-15)

    @together
    @pytest.mark.parametrize("scalar", [2, 2.5, True])
    @pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**"])
    def test_pythons_scalars_never_promote(self, operator, scalar):
        x = Tensor(np.ones((2,), np.float32))
        assert eval(f"x {operator} s", {"x": x, "s": scalar}).dtype == np.float32
        assert eval(f"s {operator} x", {"x": x, "s": scalar}).dtype == np.float32

    def test_an_array_times_a_tensor_is_a_tensor_and_differentiated(self):
        w = Tensor([1.0, 2.0], requires_grad=True)
        z = np.array([3.0, 4.0]) * w
        assert isinstance(z, Tensor)
        z.sum().backward()
        np.testing.assert_array_equal(w.grad.data, [3, 4])

    def test_a_numpy_scalar_times_a_tensor_is_a_tensor(self):
        assert isinstance(np.float64(2.0) * Tensor([1.0]), Tensor)

    def test_unary_operators(self):
        t = Tensor(self.x)
        np.testing.assert_array_equal((-t).data, -self.x)
        np.testing.assert_array_equal(abs(t).data, abs(self.x))
        plus = +t
        np.testing.assert_array_equal(plus.data, self.x)
        assert not np.shares_memory(plus.data, t.data)

    @pytest.mark.parametrize("exponent", [2, 2.0, 3, 0.5, -1, 1, 0])
    def test_powers_are_numpys(self, exponent):
        x = np.array([0.5, 1.5, 2.0])
        np.testing.assert_allclose((Tensor(x) ** exponent).data, x**exponent, rtol=1e-15)
        assert mg.gradcheck(lambda x: x**exponent, x)

    def test_results_of_results_stay_arrays_down_to_0_d(self):
        z = Tensor(2.0) * 3.0
        assert type(z.data) is np.ndarray
        assert type((z * z + z).data) is np.ndarray


class TestIndexing:
    @together
    @pytest.mark.parametrize(
        "key",
        [
            1,
            -1,
            slice(1, None),
            (slice(None), 1),
            (..., 0),
            (None, 1),
            slice(None, None, -2),
            [2, 0, 2],
            np.array([[0, 1], [2, 2]]),
            (np.array([0, 2]), np.array([1, 1])),
            (slice(None), [0, 0]),
            np.array([True, False, True]),
            np.ones((3, 2), bool),
            (),
        ],
        ids=str,
    )
    def test_reads_what_numpy_reads_and_differentiates_it(self, key):
        x = np.arange(6.0).reshape(3, 2)
        np.testing.assert_array_equal(Tensor(x)[key].data, x[key])
        assert mg.gradcheck(lambda x: x[key] * x[key], x)

    def test_an_index_may_be_a_tensor(self):
        x = Tensor([5.0, 6.0, 7.0])
        assert x[Tensor([2, 0])].tolist() == [7.0, 5.0]
        assert x[x > 5.5].tolist() == [6.0, 7.0]

    def test_an_index_may_be_an_integer_tensor_of_no_axes(self):
        assert [10, 20, 30][Tensor(2)] == 30

    def test_iterates_over_its_first_axis(self):
        assert [t.tolist() for t in Tensor([[1.0, 2.0], [3.0, 4.0]])] == [[1.0, 2.0], [3.0, 4.0]]

    def test_writes_into_its_memory(self):
        t = Tensor(np.zeros(4))
        t[1:3] = 5.0
        t[[0]] = Tensor([7.0])
        assert t.tolist() == [7.0, 5.0, 5.0, 0.0]


class TestLeaving:
    def test_numpy_shares_memory(self):
        t = Tensor([1.0, 2.0])
        assert t.numpy() is t.data

    def test_item_is_a_python_number(self):
        assert type(Tensor([[2.5]]).item()) is float
        assert type(Tensor(3).item()) is int

    def test_detach_shares_memory_and_stops_gradients(self):
        w = Tensor([1.0, 2.0], requires_grad=True, name="w")
        d = w.detach()
        assert d.data is w.data
        assert d.name == "w"
        z = (w * d).sum()
        z.backward()
        np.testing.assert_array_equal(w.grad.data, w.data)  # not 2 w

    def test_clone_passes_gradients_and_has_its_own_memory(self):
        w = Tensor([1.0], requires_grad=True)
        c = w.clone()
        c.sum().backward()
        assert not np.shares_memory(c.data, w.data)
        assert w.grad.item() == 1.0

    def test_the_truth_of_one_element_is_its_value(self):
        assert Tensor(1.0)
        assert not Tensor([0.0])

    def test_float_and_int(self):
        assert float(Tensor([2.5])) == 2.5
        assert int(Tensor(2.9)) == 2


class TestMethods:
    x = np.arange(1.0, 7.0).reshape(2, 3)

    @pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "square", "abs"])
    def test_elementwise_is_numpys(self, name):
        np.testing.assert_array_equal(getattr(Tensor(self.x), name)().data, getattr(np, name)(self.x))

    @together
    @pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
    @pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_reductions_are_numpys(self, name, axis, keepdims):
        found = getattr(Tensor(self.x), name)(axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(found.data, getattr(self.x, name)(axis=axis, keepdims=keepdims), rtol=1e-15)
        assert found.shape == getattr(self.x, name)(axis=axis, keepdims=keepdims).shape

    def test_shapes_change_as_in_numpy(self):
        t = Tensor(self.x)
        assert t.reshape(3, 2).shape == t.reshape((3, -1)).shape == (3, 2)
        assert t.ravel().shape == (6,)
        assert t.transpose().shape == t.transpose(1, 0).shape == t.transpose((1, 0)).shape == (3, 2)

    def test_sigmoid_and_relu(self):
        np.testing.assert_allclose(Tensor([0.0, -40.0]).sigmoid().data, [0.5, np.exp(-40.0)], rtol=1e-15)
        assert Tensor([-1.0, 2.0]).relu().tolist() == [0.0, 2.0]

    def test_astype_returns_gradients_in_the_old_dtype(self):
        w = Tensor(np.ones(2, np.float32), requires_grad=True)
        z = w.astype("float64")
        assert z.dtype == np.float64
        z.sum().backward()
        assert w.grad.dtype == np.float32


class TestInPlace:
    @pytest.mark.parametrize("operator", ["+=", "-=", "*=", "/="])
    def test_arithmetic_keeps_the_memory_and_is_numpys(self, operator):
        x = np.array([1.0, 2.0, 4.0])
        expected, t = x.copy(), Tensor(x.copy())
        memory = t.data
        exec(f"a {operator} b; t {operator} b", {"a": expected, "t": t, "b": np.array([2.0, 4.0, 8.0])})
        assert t.data is memory
        np.testing.assert_array_equal(t.data, expected)

    def test_with_itself(self):
        t = Tensor([1.0, 2.0])
        t *= t
        t += t
        assert t.tolist() == [2.0, 8.0]

    def test_refuses_what_does_not_fit(self):
        t = Tensor(np.zeros(3))
        with pytest.raises(ValueError, match="add"):
            t += np.zeros((2, 3))


class TestTravelling:
    def test_a_leaf_pickles_and_copies(self):
        w = Tensor([1.0, 2.0], requires_grad=True, name="w")
        for again in (pickle.loads(pickle.dumps(w)), copy.deepcopy(w)):
            assert again.tolist() == w.tolist()
            assert (again.requires_grad, again.name) == (True, "w")
            assert not np.shares_memory(again.data, w.data)


def test_what_is_no_number_equals_no_tensor():
    t = mg.Tensor([1.0, 2.0])
    found = [t]
    assert None not in found
    assert "text" not in found
    assert (t == None) is False  # noqa: E711  the comparison is the point
    assert (t != None) is True  # noqa: E711
    assert (t == [1.0, 3.0]).tolist() == [True, False]


def test_copy_is_numpys_name_for_clone():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    z = x.copy()
    assert not np.shares_memory(z.data, x.data)
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


class TestGradientsThatGetLost:
    """Where a value leaves the graph, a gradient is lost: never without a word."""

    @pytest.mark.parametrize(
        "leave",
        [float, int, math.sqrt, lambda t: np.zeros(3).__setitem__(0, t), lambda t: [0.0, *np.array([0.0]) + float(t)]],
        ids=["float", "int", "math", "an element of an array", "arithmetic"],
    )
    def test_a_number_made_of_a_tensor_that_carries_one_warns(self, leave):
        t = (mg.Tensor([4.0], requires_grad=True) * 1)[0]
        with pytest.warns(UserWarning, match=r"carries no gradient\. Say \.item\(\)"):
            leave(t)

    def test_it_warns_once_for_a_line(self):
        t = mg.Tensor(4.0, requires_grad=True)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("default")
            for _ in range(5):
                float(t)
        assert len(told) == 1
        assert told[0].filename == __file__

    @pytest.mark.parametrize("look", [lambda t: t.item(), str, repr, lambda t: f"{t:.2f}", bool, lambda t: t.tolist()])
    def test_looking_never_warns(self, look):
        look(mg.Tensor(4.0, requires_grad=True) * 1)

    def test_nothing_warns_where_nothing_is_recorded(self):
        t = mg.Tensor(4.0, requires_grad=True) * 1
        with mg.no_grad():
            assert (float(t), int(t), t.grad) == (4.0, 4, None)
        assert float(t.detach()) == 4.0

    def test_the_gradient_of_a_result_is_asked_for_in_vain_with_a_warning(self):
        w = mg.Tensor([1.0, 2.0], requires_grad=True)
        y = w * 2
        y.sum().backward()
        with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
            assert y.grad is None
        assert w.grad is not None

    @pytest.mark.parametrize(
        ("grad", "error", "match"),
        [
            (3.0, TypeError, "found float"),
            (np.ones(2), TypeError, "found ndarray"),
            (mg.Tensor(np.ones(3)), ValueError, r"w is \(2,\) of float64, and the gradient \(3,\) of float64"),
            (mg.Tensor(np.ones(2, np.float32)), ValueError, "of float32"),
        ],
    )
    def test_a_gradient_that_does_not_fit_is_refused_where_it_is_set(self, grad, error, match):
        w = mg.Tensor([1.0, 2.0], requires_grad=True, dtype=float, name="w")
        with pytest.raises(error, match=match):
            w.grad = grad
        assert w.grad is None
        w.grad = mg.Tensor(np.ones(2))
        del w.grad
        assert w.grad is None

    def test_a_gradient_that_was_kept_does_not_warn(self):
        w = mg.Tensor([1.0, 2.0], requires_grad=True)
        y = w * 2
        y.retain_grad()
        assert y.grad is None
        y.sum().backward()
        np.testing.assert_array_equal(y.grad.data, [1.0, 1.0])
        y = w * 2
        y.sum().backward(inputs=[y])
        np.testing.assert_array_equal(y.grad.data, [1.0, 1.0])

    @pytest.mark.parametrize("dtype", [int, bool, "uint8"])
    def test_integers_have_no_gradient(self, dtype):
        x = mg.Tensor([1.0, 2.0], requires_grad=True)
        for z in (x.astype(dtype), np.astype(x, np.dtype(dtype))):
            assert not z.requires_grad
        (x * x.astype(dtype)).sum().backward()
        np.testing.assert_array_equal(x.grad.data, np.array([1.0, 2.0]).astype(dtype))

    def test_an_attribute_that_there_is_not_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="'cuda'"):
            _ = mg.Tensor(1.0).cuda


@pytest.mark.parametrize("other", [object(), ..., print, None, "1.0", {}, int, lambda: 1, iter(())])
def test_another_object_is_not_equal_and_that_is_no_error(other):
    x = Tensor([1.0, 2.0])
    assert (x == other) is False
    assert (x != other) is True
    assert (other == x) is False


def test_what_holds_numbers_is_compared_by_element():
    x = Tensor([1.0, 2.0])
    for other in ([1.0, 3.0], (1.0, 3.0), np.array([1.0, 3.0]), Tensor([1.0, 3.0]), memoryview(np.array([1.0, 3.0]))):
        assert (x == other).tolist() == [True, False]
    assert (x == np.float32(2)).tolist() == [False, True]


def test_python_rounds_and_divides_tensors():
    x = Tensor([1.26, -2.74], requires_grad=True)
    assert round(x, 1).tolist() == [1.3, -2.7]
    assert round(x).tolist() == [1.0, -3.0]
    for quotient, rest, whole, part in ((*divmod(x, 2.0), x.data, 2.0), (*divmod(5.0, x), 5.0, x.data)):
        assert quotient.tolist() == np.floor_divide(whole, part).tolist()
        assert rest.tolist() == np.remainder(whole, part).tolist()


def test_formatting_never_warns_of_a_lost_gradient():
    x = Tensor([1.26], requires_grad=True)[0]
    assert ("%.1f" % x, "%d" % x, f"{x:.1f}", "{:.1f}".format(x)) == ("1.3", "1", "1.3", "1.3")  # noqa: UP031, UP032
    with pytest.warns(UserWarning, match=r"float\(\) of a tensor"):
        float(x)
    with pytest.warns(UserWarning, match=r"int\(\) of a tensor"):
        int(x)


def test_a_result_knows_the_op_that_made_it_and_a_leaf_none():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert (x * 2).op is mg.multiply
    assert (x.detach() * 2).op is x.op is None
