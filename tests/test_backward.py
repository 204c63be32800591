"""The walk: gradients reach leaves only, add up there, and the graph is given up on the way unless it is to be kept."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.core.writes import clock, owner_of, writes
from micrograd_np.ops import elementwise, linear, reduce, shape, transcendental


@pytest.fixture
def x():
    return mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")


class TestArrival:
    def test_gradients_accumulate(self, x):
        (x * 2).sum().backward()
        (x * 3).sum().backward()
        np.testing.assert_array_equal(x.grad.data, [5, 5, 5])

    def test_gradients_arrive_at_leaves_only(self, x):
        y = x * 2
        z = (y * y).sum()
        z.backward()
        with mg.no_grad():  # else it warns
            assert y.grad is None
            assert z.grad is None
        np.testing.assert_array_equal(x.grad.data, [8, 16, 24])

    def test_retain_grad_keeps_one_on_the_way(self, x):
        y = x * 2
        y.retain_grad()
        (y * y).sum().backward()
        np.testing.assert_array_equal(y.grad.data, [4, 8, 12])

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_a_retained_gradient_that_is_asked_for_arrives_once(self, x, create_graph):
        y = x * 2
        y.retain_grad()
        z = (y * y).sum()
        z.backward(inputs=[y, x], retain_graph=True, create_graph=create_graph)
        np.testing.assert_array_equal(y.grad.data, [4, 8, 12])
        np.testing.assert_array_equal(x.grad.data, [8, 16, 24])
        z.backward(inputs=y, create_graph=create_graph)
        np.testing.assert_array_equal(y.grad.data, [8, 16, 24])

    def test_a_value_before_a_write_retains_no_gradient_of_what_was_written(self, x):
        y = x * 2
        y.retain_grad()
        y += x
        (y * y).sum().backward(inputs=[y])
        np.testing.assert_array_equal(y.grad.data, [6, 12, 18])

    def test_a_retained_gradient_is_of_what_the_tensor_is_after_a_write(self, x):
        y = x * 2
        y.retain_grad()
        before = y * 7
        y *= 5
        (before + 3 * y).sum().backward()
        np.testing.assert_array_equal(y.grad.data, [3, 3, 3])
        np.testing.assert_array_equal(x.grad.data, [44, 44, 44])

    def test_a_leaf_that_does_not_require_one_gets_none(self, x):
        constant = mg.Tensor([1.0, 1.0, 1.0])
        (x * constant).sum().backward()
        assert constant.grad is None

    def test_a_value_used_twice_gets_both(self, x):
        (x * x + x).sum().backward()
        np.testing.assert_array_equal(x.grad.data, [3, 5, 7])

    def test_the_same_tensor_on_both_sides_gets_both(self):
        w = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        linear.matmul(w, w).sum().backward()
        ones = np.ones((2, 2))
        np.testing.assert_array_equal(w.grad.data, ones @ w.data.T + w.data.T @ ones)

    def test_a_diamond_is_walked_once(self, x):
        calls = []
        rule = elementwise.square.rules
        elementwise.square.rules = (lambda g, z, x: calls.append(1) or 2 * g * x,)
        try:
            y = elementwise.square(x)
            (y * 2 + y * 3).sum().backward()
        finally:
            elementwise.square.rules = rule
        assert len(calls) == 1
        np.testing.assert_array_equal(x.grad.data, 5 * 2 * x.data)

    def test_the_gradient_of_a_leaf_by_itself_is_one(self):
        w = mg.Tensor(3.0, requires_grad=True)
        w.backward()
        assert w.grad.item() == 1.0

    def test_gradients_have_memory_of_their_own(self):
        x, y = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        (x + y).sum().backward()
        assert not np.shares_memory(x.grad.data, y.grad.data)
        x.grad.data[:] = 7
        np.testing.assert_array_equal(y.grad.data, [1, 1])

    def test_no_gradient_lies_in_the_memory_of_the_seed(self):
        for view in (lambda g: g, lambda g: g[:], lambda g: g.T, lambda g: g.reshape(2, 2)[::-1]):
            x, y = (mg.Tensor(np.ones((2, 2)), requires_grad=True) for _ in range(2))
            g = np.arange(4.0).reshape(2, 2)
            (x + y).backward(view(g))
            assert not any(np.shares_memory(t.grad.data, g) for t in (x, y))

    def test_gradients_with_a_graph_have_memory_of_their_own(self):
        x, y, z = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
        (x * x + y + z).sum().backward(create_graph=True)
        with mg.no_grad():
            z.grad *= 7
        np.testing.assert_array_equal(y.grad.data, [1, 1])
        (g,) = mg.autograd.grad(x.grad.sum(), x)
        np.testing.assert_array_equal(g.data, [2, 2])

    def test_a_retained_gradient_has_memory_of_its_own(self, x):
        y = x + 1
        y.retain_grad()
        (y * 3).sum().backward()
        y.grad.data[:] = 7
        np.testing.assert_array_equal(x.grad.data, [3, 3, 3])

    def test_a_gradient_can_be_written_to_where_the_rule_of_an_op_gives_what_cannot(self, x):
        slope = np.array([1.0, 2.0, 3.0])
        slope.flags.writeable = False

        @primitive("ramp {x}", domain=(REALS,))
        def ramp(xp, out, x):
            return xp.multiply(x, slope, out=out)

        ramp.vjp(x=lambda g, z, x: slope)
        ramp(x).sum().backward()
        x.grad.data[:] *= 2
        np.testing.assert_array_equal(x.grad.data, [2, 4, 6])
        np.testing.assert_array_equal(slope, [1, 2, 3])

    def test_a_gradient_keeps_no_memory_alive_but_its_own(self, x):
        large = mg.Tensor(np.ones(10_000), requires_grad=True)
        (mg.concatenate([x, large]) * 2).sum().backward()
        np.testing.assert_array_equal(x.grad.data, [2, 2, 2])
        assert owner_of(x.grad.data).size == 3

    def test_the_seed_is_not_the_gradient(self, x):
        seed = np.ones(3)
        (x + 0).backward(seed)
        seed[:] = 9
        np.testing.assert_array_equal(x.grad.data, [1, 1, 1])

    def test_gradients_are_writable_and_of_the_leafs_shape_and_dtype(self):
        w = mg.Tensor(np.ones((3, 1), np.float32), requires_grad=True)
        (w * np.ones((5, 3, 4))).sum().backward()
        assert w.grad.shape == (3, 1)
        assert w.grad.dtype == np.float32
        assert w.grad.data.flags.writeable
        np.testing.assert_array_equal(w.grad.data, np.full((3, 1), 20))

    def test_zero_grad_forgets(self, x):
        x.sum().backward()
        x.zero_grad()
        assert x.grad is None


class TestBroadcasting:
    @pytest.mark.parametrize("one", [(), (1,), (3,), (2, 1), (1, 3), (4, 1, 3), (4, 2, 3), (1, 1, 1)])
    def test_is_undone_by_summing(self, one):
        x = mg.Tensor(np.ones(one), requires_grad=True)
        wide = np.arange(24.0).reshape(4, 2, 3)
        (x * wide).sum().backward()
        lead = wide.ndim - len(one)
        axes = (*range(lead), *(lead + i for i, n in enumerate(one) if n == 1 and wide.shape[lead + i] > 1))
        np.testing.assert_array_equal(x.grad.data, wide.sum(axes).reshape(one))

    @pytest.mark.parametrize(("one", "other"), [((0,), (1,)), ((3, 0), (3, 1)), ((0, 3), (3,)), ((0,), ())])
    def test_against_nothing_leaves_zeros(self, one, other):
        x, y = mg.Tensor(np.ones(one), requires_grad=True), mg.Tensor(np.ones(other), requires_grad=True)
        (x * y).sum().backward()
        assert x.grad.shape == one
        np.testing.assert_array_equal(y.grad.data, np.zeros(other))

    def test_a_mean_spreads_its_gradient(self):
        x = mg.Tensor(np.ones((2, 3)), requires_grad=True)
        reduce.mean(x, axis=1).backward(np.array([3.0, 6.0]))
        np.testing.assert_array_equal(x.grad.data, [[1, 1, 1], [2, 2, 2]])


class TestAGraphUsedUp:
    def test_second_backward_says_the_graph_is_gone(self, x):
        z = (x * x).sum()
        z.backward()
        with pytest.raises(RuntimeError, match=r"graph .*gone.*retain_graph=True"):
            z.backward()

    def test_a_branch_of_a_graph_used_up_says_so_too(self, x):
        y = x * x
        y.sum().backward()
        with pytest.raises(RuntimeError, match="gone"):
            (y * 2).sum().backward()

    @pytest.mark.parametrize("allow_unused", [False, True])
    def test_a_way_to_an_input_that_may_have_led_through_one_used_up_is_no_lack_of_a_way(self, x, allow_unused):
        y = x * x
        y.sum().backward()
        with pytest.raises(RuntimeError, match=r"gone.*retain_graph=True"):
            mg.autograd.grad((y * 2).sum(), x, allow_unused=allow_unused)

    def test_retain_graph_keeps_it(self, x):
        z = (x * x).sum()
        z.backward(retain_graph=True)
        z.backward()
        np.testing.assert_array_equal(x.grad.data, 4 * x.data)

    def test_branches_that_share_only_leaves_are_independent(self, x):
        y, z = (x * x).sum(), (x * 3).sum()
        y.backward()
        z.backward()
        np.testing.assert_array_equal(x.grad.data, 2 * x.data + 3)


class TestHigherDerivatives:
    def test_a_third_derivative_by_hand(self):
        x = mg.Tensor(2.0, requires_grad=True)
        y = x * x * x * x
        for expected in (32.0, 48.0, 48.0, 24.0):
            x.zero_grad()
            y.backward(create_graph=True)
            assert x.grad.item() == expected
            y = x.grad

    def test_a_gradient_is_a_leaf_unless_create_graph(self, x):
        (x * x).sum().backward()
        assert not x.grad.requires_grad

    def test_create_graph_keeps_the_graph(self, x):
        z = (x * x).sum()
        z.backward(create_graph=True)
        z.backward()
        np.testing.assert_array_equal(x.grad.data, 4 * x.data)

    def test_a_penalty_on_the_gradient_trains(self):
        # |∂(w·x)²/∂x|² = 4 (w·x)² |w|² for x = 1: by hand, 4 w⁴, whose derivative is 16 w³
        w, x = mg.Tensor(3.0, requires_grad=True), mg.Tensor(1.0, requires_grad=True)
        transcendental.power(w * x, 2.0).backward(create_graph=True)
        penalty = x.grad * x.grad
        w.zero_grad()
        penalty.backward()
        np.testing.assert_allclose(w.grad.data, 16 * 27)


class TestMutation:
    def test_a_change_after_use_is_an_error_that_names_it(self, x):
        y = x * 2
        y.name = "y"
        z = (y * y).sum()
        with mg.no_grad():
            y += 1
        with pytest.raises(RuntimeError, match=r"multiply.*y.*changed in place"):
            z.backward()

    def test_a_parameter_stepped_between_forward_and_backward_is_an_error(self, x):
        z = (x * x).sum()
        with mg.no_grad():
            x -= 0.1
        with pytest.raises(RuntimeError, match="changed in place"):
            z.backward()

    def test_a_change_after_backward_is_none(self, x):
        (x * x).sum().backward()
        with mg.no_grad():
            x -= 0.1 * x.grad
        (x * x).sum().backward()

    @pytest.mark.parametrize(
        "change",
        [
            lambda t: t.__iadd__(1),
            lambda t: t.__isub__(1),
            lambda t: t.__imul__(2),
            lambda t: t.__itruediv__(2),
            lambda t: t.__setitem__(0, 5.0),
            lambda t: t.copy_([9.0, 9.0, 9.0]),
        ],
        ids=["+=", "-=", "*=", "/=", "[]=", "copy_"],
    )
    def test_every_write_is_noted(self, change):
        t = mg.Tensor([1.0, 2.0, 3.0])
        memory, before = t.data, clock()
        assert not writes.since(t.data, before)
        change(t)
        assert writes.since(t.data, before)
        assert t.data is memory

    def test_a_leaf_that_requires_a_gradient_refuses_to_be_written(self, x):
        for change in (lambda: x.__iadd__(1), lambda: x.__setitem__(0, 1.0), lambda: x.copy_([0, 0, 0])):
            with pytest.raises(RuntimeError, match=r"x of shape \(3,\).*no_grad"):
                change()

    @pytest.mark.parametrize("write", [lambda t, v: t.__imul__(v), lambda t, v: t.__setitem__(0, v[0])])
    def test_a_leaf_that_was_moved_into_the_graph_gets_no_gradient_as_a_leaf(self, x, write):
        y = x * 3
        x.requires_grad_(False)
        v = mg.Tensor([5.0, 6.0, 7.0], requires_grad=True)
        write(x, v)
        with pytest.raises(RuntimeError, match=r"x of shape \(3,\).*is a result now.*x\.clone\(\)"):
            y.sum().backward()
        x.sum().backward()
        assert v.grad.data[0] == 1

    def test_a_write_into_a_computed_tensor_is_differentiated(self, x):
        y = x * 1
        y *= x
        y[1] = 10 * x[0]
        (y * np.array([1.0, 10.0, 100.0])).sum().backward()
        np.testing.assert_array_equal(x.grad.data, [2 + 100, 0, 600])

    def test_what_was_computed_before_a_write_in_the_graph_keeps_its_own_derivative(self, x):
        y = x * 2
        before = y.sum()
        y += 100
        before.backward(retain_graph=True)
        np.testing.assert_array_equal(x.grad.data, [2, 2, 2])
        y.sum().backward()
        np.testing.assert_array_equal(x.grad.data, [4, 4, 4])


class TestHugeGraphs:
    def test_wide_graphs_are_walked(self, x):
        total = x.sum()
        for _ in range(5000):
            total = total + x.sum()
        total.backward()
        np.testing.assert_array_equal(x.grad.data, [5001] * 3)

    def test_many_operands_are_joined(self, x):
        shape.concatenate(*([x] * 2000)).sum().backward()
        np.testing.assert_array_equal(x.grad.data, [2000] * 3)
