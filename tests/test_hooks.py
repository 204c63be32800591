"""Hooks on tensors and modules: when they are called, with what, and what they may change."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import micrograd_np as mg
from micrograd_np import nn


def leaf(*values):
    return mg.Tensor(np.array(values), requires_grad=True)


# tensors


def test_a_hook_sees_the_whole_gradient_once():
    x = leaf(1.0, 2.0)
    y = x * x
    seen = []
    y.register_hook(lambda g: seen.append(g.data.copy()))
    (y + 2 * y).sum().backward()
    assert len(seen) == 1
    assert_array_equal(seen[0], [3.0, 3.0])


def test_what_a_hook_returns_replaces_the_gradient():
    x = leaf(1.0, 2.0)
    y = x * x
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert_array_equal(x.grad.data, [21.0, 41.0])


def test_hooks_are_called_in_order_and_removed_by_their_handles():
    x, order = leaf(1.0), []
    first = x.register_hook(lambda g: order.append(1))
    x.register_hook(lambda g: order.append(2))
    (2 * x).backward()
    first.remove()
    first.remove()
    (2 * x).backward()
    assert order == [1, 2, 2]
    with x.register_hook(lambda g: order.append(3)):
        (2 * x).backward()
    (2 * x).backward()
    assert order == [1, 2, 2, 2, 3, 2]


def test_a_hook_may_remove_itself_and_others():
    x, order = leaf(1.0), []

    def once(g):
        order.append("once")
        first.remove()
        second.remove()

    first = x.register_hook(once)
    second = x.register_hook(lambda g: order.append("in the first pass, which had begun"))
    x.register_hook(lambda g: order.append("always"))
    for _ in range(2):
        (2 * x).backward()
    assert order == ["once", "in the first pass, which had begun", "always", "always"]


def test_what_a_hook_keeps_of_a_gradient_or_gives_for_it_stays_its_own():
    x, seen, mine = leaf(1.0, 2.0), [], np.array([5.0, 6.0])
    y = x + 1
    y.register_hook(seen.append)
    x.register_hook(seen.append)
    x.register_hook(lambda g: mine)
    (y * 3).sum().backward()
    with mg.no_grad():
        x.grad *= 10
    assert_array_equal(x.grad.data, [50.0, 60.0])
    assert_array_equal(mine, [5.0, 6.0])
    assert_array_equal([g.data for g in seen], [[3.0, 3.0], [3.0, 3.0]])


def test_a_hook_that_returns_another_shape_is_told():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(ValueError, match=r"a hook on .*another shape, \(\); return one of \(2,\)"):
        x.sum().backward()


def test_a_hook_keeps_the_dtype():
    x = mg.Tensor(np.ones(2, "f4"), requires_grad=True)
    x.register_hook(lambda g: g.data.astype("f8") * 2)
    x.sum().backward()
    assert x.grad.dtype == np.float32


def test_a_hook_where_no_gradient_arrives_is_refused():
    with pytest.raises(RuntimeError, match="none will arrive"):
        mg.Tensor([1.0]).register_hook(print)
    with pytest.raises(TypeError, match="must be a function"):
        leaf(1.0).register_hook(3)


def test_hooks_take_part_in_second_derivatives():
    x = leaf(3.0)
    y = x * x
    with y.register_hook(lambda g: g * y):  # so the derivative by x is y · 2x = 2x³
        (g,) = mg.autograd.grad(y.sum(), x, create_graph=True)
    (gg,) = mg.autograd.grad(g.sum(), x)
    assert_array_equal(g.data, [54.0])
    assert_array_equal(gg.data, [54.0])


def test_a_hook_stays_with_the_value_it_was_put_on():
    x, seen = leaf(1.0), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.item()))
    y *= 5
    y.sum().backward()
    assert seen == [5.0]


def test_retained_gradients_add_up_and_come_after_hooks():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    z = y * y
    z.backward(np.ones(1), retain_graph=True)
    assert_array_equal(y.grad.data, [12.0])
    z.backward(np.ones(1))
    assert_array_equal(y.grad.data, [24.0])


# modules, forward


class Scale(nn.Module):
    def __init__(self, factor=2.0):
        self.factor = factor

    def forward(self, x, *, extra=0.0):
        return x * self.factor + extra


def test_forward_hooks_see_arguments_and_result_and_may_replace_them():
    module, seen = Scale(), []
    module.register_forward_pre_hook(lambda m, args: seen.append(args))
    module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    module.register_forward_hook(lambda m, args, y: seen.append((m, args, y.item())))
    module.register_forward_hook(lambda m, args, y: -y)
    assert module(mg.Tensor(3.0)).item() == -8.0
    assert seen[0][0].item() == 3.0
    assert seen[1][0] is module
    assert seen[1][2] == 8.0


def test_hooks_with_keyword_arguments_and_prepended_ones():
    module, order = Scale(), []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"extra": 100.0}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, y: order.append(kwargs["extra"]), with_kwargs=True)
    module.register_forward_hook(lambda m, args, y: order.append("first"), prepend=True)
    assert module(mg.Tensor(3.0)).item() == 106.0
    assert order == ["first", 100.0]


def test_a_hook_that_is_always_called_is_called_after_an_error():
    module, seen = Scale(), []
    module.register_forward_hook(lambda m, args, y: seen.append("usual"))
    module.register_forward_hook(lambda m, args, y: seen.append(y), always_call=True)
    with pytest.raises(TypeError):
        module()
    assert seen == [None]


def test_removing_the_handle_removes_the_hook():
    module, seen = Scale(), []
    with module.register_forward_hook(lambda *a: seen.append(1)):
        module(mg.Tensor(1.0))
    module(mg.Tensor(1.0))
    assert seen == [1]


def test_hooks_are_no_part_of_the_model():
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    before = repr(module), list(module.state_dict())
    module.register_forward_hook(lambda m, args, y: None)
    module.register_forward_hook(Scale())
    assert (repr(module), list(module.state_dict())) == before
    assert len(list(module.modules())) == 3


# modules, backward


class Mix(nn.Module):
    def forward(self, a, b, unused=None):
        return a * b, (a + b).exp()


def test_a_backward_hook_sees_both_sides_once():
    module, calls = Mix(), []
    module.register_full_backward_hook(lambda m, gi, go: calls.append((m, gi, go)))
    a, b = leaf(2.0), mg.Tensor([3.0])
    u, v = module(a, b, 4)
    (u + 2 * v).sum().backward()
    ((m, gi, go),) = calls
    assert m is module
    assert_array_equal([g.item() for g in go], [1.0, 2.0])
    assert gi[1:] == (None, None)
    assert_allclose(gi[0].item(), 3 + 2 * np.exp(5.0))
    assert_allclose(a.grad.data, gi[0].data)


def test_a_backward_hook_waits_for_all_arguments_and_may_replace_them():
    module, calls = Mix(), []

    def hook(m, gi, go):
        calls.append([g.item() for g in gi])
        return tuple(10 * g for g in gi)

    module.register_full_backward_hook(hook)
    a, b = leaf(2.0), leaf(3.0)
    u, _ = module(a, b)
    u.sum().backward()
    assert calls == [[3.0, 2.0]]
    assert_array_equal([a.grad.item(), b.grad.item()], [30.0, 20.0])


def test_a_backward_hook_sees_nothing_where_no_gradient_came():
    module, calls = Mix(), []
    module.register_full_backward_hook(lambda m, gi, go: calls.append(go))
    module(leaf(2.0), leaf(3.0))[0].sum().backward()
    assert calls[0][0].item() == 1.0
    assert calls[0][1] is None


def test_a_backward_hook_is_called_in_every_walk():
    module, calls = Scale(), []
    module.register_full_backward_hook(lambda m, gi, go: calls.append((gi[0].item(), go[0].item())))
    x = leaf(1.0)
    y = module(x).sum()
    y.backward(retain_graph=True)
    y.backward(np.array(5.0))
    assert calls == [(2.0, 1.0), (10.0, 5.0)]


def test_a_backward_hook_of_the_first_layer_is_called_too():
    layer, calls = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: calls.append((gi, go[0].shape)))
    layer(mg.Tensor(np.ones((3, 2)))).sum().backward()
    assert calls == [((None,), (3, 1))]


def test_a_backward_pre_hook_may_replace_what_arrives():
    module, seen = Scale(), []
    module.register_full_backward_pre_hook(lambda m, go: (go[0] * 100,))
    module.register_full_backward_hook(lambda m, gi, go: seen.append(go[0].item()))
    x = leaf(1.0)
    module(x).sum().backward()
    assert seen == [100.0]
    assert_array_equal(x.grad.data, [200.0])


def test_a_backward_hook_that_returns_too_few_is_told():
    module = Mix()
    module.register_full_backward_hook(lambda m, gi, go: gi[:1])
    with pytest.raises(ValueError, match="hook of Mix returned 1 gradients and was given 2"):
        module(leaf(2.0), leaf(3.0))[0].sum().backward()


def test_hooks_agree_with_torch():
    torch = pytest.importorskip("torch")
    x = np.array([[0.5, -1.0], [2.0, 0.1]])
    found = []
    for lib, tensor in ((torch.nn, torch.tensor(x, requires_grad=True)), (nn, mg.Tensor(x, requires_grad=True))):
        net = lib.Sequential(lib.Tanh(), lib.Sigmoid())
        log = []
        net[0].register_full_backward_hook(
            lambda m, gi, go, log=log: log.append(("b0", gi[0].tolist(), go[0].tolist()))
        )
        net[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 3,))
        net[1].register_full_backward_pre_hook(lambda m, go, log=log: log.append(("p1", go[0].tolist())))
        net[0].register_forward_hook(lambda m, a, y, log=log: log.append(("f0", y.tolist())))
        net(tensor).sum().backward()
        found.append(log)
        assert_allclose(np.asarray(tensor.grad), log[-1][1])
    for (name, *theirs), (again, *ours) in zip(*found, strict=True):
        assert name == again
        for a, b in zip(theirs, ours, strict=True):
            assert_allclose(a, b, rtol=1e-14)
