"""Derivatives as values: `autograd.grad`, the transforms of functions, functional calls and recomputation."""

import math
import operator
import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from together import together

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.core import trees
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode

rng = np.random.default_rng(7)


def bowl(x):
    return (x * x * x).sum()


def curved(x, y):
    return ((x * y).exp() * (x + 2 * y).tanh()).sum()


# grad, value_and_grad


def test_grad_of_an_array_is_an_array_and_of_a_tensor_a_tensor():
    x = np.array([1.0, 2.0])
    assert type(mg.grad(bowl)(x)) is np.ndarray
    assert type(mg.grad(bowl)(mg.Tensor(x))) is mg.Tensor
    assert_array_equal(mg.grad(bowl)(x), [3.0, 12.0])


def test_grad_leaves_the_argument_alone():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    w = mg.Tensor(2.0, requires_grad=True)
    mg.grad(lambda x: (w * x).sum())(x)
    assert x.grad is None
    assert w.grad is None


def test_value_and_grad_gives_both():
    value, g = mg.value_and_grad(bowl)(np.array([1.0, 2.0]))
    assert_array_equal(value, 9.0)
    assert_array_equal(g, [3.0, 12.0])


def test_argnums_as_tuple_gives_a_tuple():
    x, y = np.array([0.3, -0.2]), np.array([0.5, 0.1])
    gx, gy = mg.grad(curved, argnums=(0, 1))(x, y)
    assert_array_equal(gx, mg.grad(curved)(x, y))
    assert_array_equal(gy, mg.grad(curved, argnums=1)(x, y))
    (last,) = mg.grad(curved, argnums=(-1,))(x, y)
    assert_array_equal(last, gy)


def test_argnums_out_of_range_says_how_many_there_are():
    with pytest.raises(TypeError, match="argnums asks for argument 2, and 1 were given"):
        mg.grad(bowl, argnums=2)(np.ones(2))


class Layer(NamedTuple):
    w: np.ndarray
    b: float


def test_structures_come_back_as_they_went():
    tree = OrderedDict(first=Layer(np.array([1.0, 2.0]), 3.0), rest=[np.array([4.0]), (5.0, None)])

    def f(t):
        return (t["first"].w * t["first"].b).sum() + t["rest"][0].sum() * t["rest"][1][0]

    g = mg.grad(f)(tree)
    assert type(g) is OrderedDict
    assert type(g["first"]) is Layer
    assert_array_equal(g["first"].w, [3.0, 3.0])
    assert_array_equal(g["first"].b, 3.0)
    assert_array_equal(g["rest"][0], [5.0])
    assert_array_equal(g["rest"][1][0], 4.0)
    assert g["rest"][1][1] is None


def test_an_unused_argument_has_gradient_zero():
    gx, gy = mg.grad(lambda x, y: x * x, (0, 1))(np.array(3.0), np.ones((2, 2)))
    assert_array_equal(gx, 6.0)
    assert_array_equal(gy, np.zeros((2, 2)))
    assert_array_equal(mg.grad(lambda x: 3.0)(np.ones(2)), np.zeros(2))


def test_auxiliary_results_come_along():
    g, aux = mg.grad(lambda x: ((x * x).sum(), {"doubled": 2 * x}), has_aux=True)(np.array([1.0, 2.0]))
    assert_array_equal(g, [2.0, 4.0])
    assert_array_equal(aux["doubled"], [2.0, 4.0])
    (value, aux), g = mg.value_and_grad(lambda x: ((x * x).sum(), "text"), has_aux=True)(np.array([1.0, 2.0]))
    assert (value, aux) == (5.0, "text")


def test_float32_stays_float32():
    assert mg.grad(bowl)(np.ones(3, "f4")).dtype == np.float32
    assert mg.jacobian(lambda x: x * x)(np.ones(3, "f4")).dtype == np.float32
    assert mg.hessian(bowl)(np.ones(3, "f4")).dtype == np.float32


def test_integers_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"argument 0\['i'\] has dtype int64.*astype\(float\)"):
        mg.grad(lambda t: t["x"].sum())({"x": np.ones(2), "i": np.arange(2)})


def test_a_result_that_is_no_scalar_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"shape \(2,\).*jacobian"):
        mg.grad(lambda x: x * x)(np.ones(2))
    with pytest.raises(TypeError, match="has_aux"):
        mg.grad(lambda x: (x.sum(), x))(np.ones(2))


def test_keyword_arguments_pass_through():
    assert_array_equal(mg.grad(lambda x, *, k: (k * x).sum())(np.ones(2), k=3.0), [3.0, 3.0])


def test_grad_works_where_nothing_is_recorded():
    with mg.no_grad():
        assert_array_equal(mg.grad(bowl)(np.array([1.0])), [3.0])
        assert not mg.is_grad_enabled()


def test_gradients_share_no_memory():
    seed = np.ones(3)
    _, pull = mg.vjp(lambda x, y: x + y, np.zeros(3), np.zeros(3))
    a, b = pull(seed)
    assert not any(np.shares_memory(*pair) for pair in ((a, b), (a, seed), (b, seed)))


# nesting


def test_grad_of_grad_of_grad():
    f = lambda x: x**4
    assert_allclose(mg.grad(mg.grad(mg.grad(f)))(2.0), 48.0)


def test_levels_do_not_get_confused():
    # d/dx [x · d/dy (x + y)] = 1: a walk that mixes the levels up gives 2
    assert_array_equal(mg.grad(lambda x: x * mg.grad(lambda y: x + y)(1.0))(1.0), 1.0)
    # d/dx [ d/dy (x y²) at y = x ] = d/dx 2x² = 4x
    assert_array_equal(mg.grad(lambda x: mg.grad(lambda y: x * y * y)(x))(3.0), 12.0)


def test_a_gradient_at_a_tensor_that_requires_one_can_be_differentiated():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    (mg.grad(bowl)(x) ** 2).sum().backward()  # Σ (3x²)², so 36 x³
    assert_array_equal(x.grad.data, [36.0, 288.0])


def test_a_gradient_carries_what_the_function_closes_over():
    w = mg.Tensor(3.0, requires_grad=True)
    g = mg.grad(lambda x: (w * x * x).sum())(np.array([1.0, 2.0]))
    g.sum().backward()  # Σ 2 w x
    assert_array_equal(w.grad.data, 6.0)


def test_under_no_grad_a_gradient_carries_nothing():
    w = mg.Tensor(3.0, requires_grad=True)
    with mg.no_grad():
        g = mg.grad(lambda x: (w * x * x).sum())(np.array([1.0, 2.0]))
    assert type(g) is np.ndarray


def test_transforms_of_all_kinds_nest():
    x, v = np.array([0.5, -1.0]), np.array([2.0, 3.0])
    jac = mg.jacobian(mg.grad(bowl))(x)
    assert_allclose(jac, np.diag(6 * x))
    assert_allclose(mg.grad(lambda x: mg.jvp(bowl, (x,), (v,))[1])(x), 6 * x * v)
    assert_allclose(mg.grad(lambda x: mg.hessian(bowl)(x).sum())(x), [6.0, 6.0])
    assert_allclose(mg.jacobian(lambda x: mg.vjp(lambda y: y * y, x)[1](v)[0])(x), np.diag(2 * v))
    assert_allclose(mg.jvp(mg.grad(bowl), (x,), (v,))[1], 6 * x * v)


# vjp, jvp, jacobian, hessian, hvp


def pair_of(x, y):
    return {"sum": (x + y).sin() if hasattr(x, "sin") else (x + y).tanh(), "product": [x * y.exp()]}


def test_vjp_and_jvp_are_adjoint():
    x, y, vx, vy, g1, g2 = rng.standard_normal((6, 3))
    value, pull = mg.vjp(pair_of, x, y)
    again, moved = mg.jvp(pair_of, (x, y), (vx, vy))
    gx, gy = pull({"sum": g1, "product": [g2]})
    assert_array_equal(value["sum"], again["sum"])
    assert_allclose(gx @ vx + gy @ vy, g1 @ moved["sum"] + g2 @ moved["product"][0])


def test_jvp_agrees_with_a_finite_difference():
    x, y, vx, vy = rng.standard_normal((4, 3))
    _, moved = mg.jvp(curved, (x, y), (vx, vy))
    h = 1e-6
    ahead, behind = (curved(mg.Tensor(x + s * vx), mg.Tensor(y + s * vy)).item() for s in (h, -h))
    assert_allclose(moved, (ahead - behind) / (2 * h), rtol=1e-7)


def test_pull_can_be_called_twice():
    _, pull = mg.vjp(lambda x: x * x, np.array([1.0, 2.0]))
    assert_array_equal(pull(np.array([1.0, 0.0]))[0], [2.0, 0.0])
    assert_array_equal(pull(np.array([0.0, 1.0]))[0], [0.0, 4.0])


def test_what_does_not_fit_is_named():
    _, pull = mg.vjp(lambda x: {"a": x}, np.ones(2))
    with pytest.raises(ValueError, match=r"missing: \['a'\].*unexpected: \['b'\]"):
        pull({"b": np.ones(2)})
    with pytest.raises(ValueError, match=r"\['a'\] is \(3,\) and belongs to an array of shape \(2,\)"):
        pull({"a": np.ones(3)})
    with pytest.raises(ValueError, match=r"tangents\[0\] is \(3,\)"):
        mg.jvp(bowl, (np.ones(2),), (np.ones(3),))


def test_jacobian_has_the_shapes_of_value_and_argument():
    a = rng.standard_normal((2, 3))
    x = rng.standard_normal((3, 4))
    jac = mg.jacobian(lambda x: mg.Tensor(a) @ x)(x)
    assert jac.shape == (2, 4, 3, 4)
    assert_allclose(jac, np.einsum("ij,kl->ikjl", a, np.eye(4)))


def test_jacobian_of_structures():
    jac = mg.jacobian(lambda t: {"y": t["a"] * t["b"]})({"a": np.array([1.0, 2.0]), "b": 3.0})
    assert_array_equal(jac["y"]["a"], 3 * np.eye(2))
    assert_array_equal(jac["y"]["b"], [1.0, 2.0])


JACOBIANS = [
    (lambda x: np.sin(x) * x[0], np.array([0.3, -1.2, 2.0])),
    (lambda x: np.exp(-np.outer(np.arange(5.0), x)), np.array([0.3, 0.7])),
    (lambda t: {"y": t["a"] * t["b"], "n": 3.0, "k": t["a"].argmax()}, {"a": np.array([1.0, 2.0]), "b": 3.0}),
    (lambda x: mg.Tensor(np.eye(2)) @ x, mg.Tensor(np.ones((2, 3)))),
    (lambda x: (x.astype("float64") ** 2, x * 0.5), np.ones(3, "f4")),
    (lambda x: x[:0], np.ones(2)),
    (lambda x: x * x, np.ones((0,))),
    (lambda x: mg.Tensor([1.0, 2.0]), np.ones(2)),
    (mg.grad(lambda y: (y**3).sum()), np.array([1.0, 2.0])),
    (lambda x: np.abs(x) + np.maximum(x, 0), np.array([0.0, 1.0, -1.0])),
]


@pytest.mark.parametrize(("f", "x"), JACOBIANS)
def test_jacobian_is_the_same_by_rows_and_by_columns(f, x):
    rows, columns = (trees.values(mg.jacobian(f, forward=forward)(x)) for forward in (False, True))
    assert len(rows) == len(columns)
    for a, b in zip(rows, columns, strict=True):
        assert type(a) is type(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert_allclose(np.asarray(b), np.asarray(a), rtol=1e-14, atol=1e-15)


def test_a_jacobian_by_columns_can_be_differentiated_and_names_its_arguments():
    x, w = np.array([0.3, 0.7]), np.array([1.0, 2.0, 3.0])
    both = mg.jacobian(lambda a, b: np.outer(b, np.sin(a)), argnums=(0, 1), forward=True)(x, w)
    assert [block.shape for block in both] == [(3, 2, 2), (3, 2, 3)]
    second = mg.jacobian(mg.jacobian(np.sin, forward=True), forward=True)(x)
    assert_allclose(np.einsum("iii->i", second), -np.sin(x))
    t = mg.Tensor(w, requires_grad=True)
    mg.jacobian(lambda a: np.outer(t, a**2), forward=True)(x).sum().backward()
    assert_allclose(t.grad.data, [2 * x.sum()] * 3)


def test_jacobian_of_nothing_is_empty():
    assert mg.jacobian(lambda x: x * x)(np.ones((0,))).shape == (0, 0)
    assert mg.jacobian(lambda x: x[:0])(np.ones((2,))).shape == (0, 2)


def test_hessian_over_several_arguments():
    x, y = np.array([0.3]), np.array([0.5, -0.5])
    (hxx, hxy), (hyx, hyy) = mg.hessian(lambda x, y: (x * y * y).sum(), (0, 1))(x, y)
    assert_array_equal(hxx, np.zeros((1, 1)))
    assert_allclose(hxy, [2 * y])
    assert_allclose(hyx, 2 * y[:, None])
    assert_allclose(hyy, np.diag([0.6, 0.6]))


def test_hvp_is_the_hessian_times_the_vector():
    x, y, vx, vy = rng.standard_normal((4, 3))
    (hxx, hxy), (hyx, hyy) = mg.hessian(curved, (0, 1))(x, y)
    hx, hy = mg.hvp(curved, (x, y), (vx, vy))
    assert_allclose(hx, hxx @ vx + hxy @ vy)
    assert_allclose(hy, hyx @ vx + hyy @ vy)


def test_second_derivatives_agree_with_torch():
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 3))
    ours = mg.hessian(lambda x: ((x @ x.T).tanh() ** 2).sum())(x)
    theirs = torch.autograd.functional.hessian(lambda x: ((x @ x.T).tanh() ** 2).sum(), torch.tensor(x))
    assert_allclose(ours, theirs.numpy(), rtol=1e-12)


# models


def model():
    mg.random.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def squared(net, x):
    return (net(x) ** 2).mean()


def test_a_module_stands_for_the_dict_of_its_parameters():
    net, x = model(), rng.standard_normal((5, 3))
    value, g = mg.value_and_grad(squared)(net, x)
    assert list(g) == list(net.state_dict())
    loss = squared(net, x)
    loss.backward()
    assert value == loss.item()
    for name, p in net.named_parameters():
        assert_array_equal(g[name].data, p.grad.data)


def test_frozen_parameters_stand_aside():
    net = model()
    net[0].requires_grad_(False)
    assert list(mg.grad(squared)(net, np.ones((2, 3)))) == ["2.weight", "2.bias"]


def test_functional_call_is_the_module_at_other_parameters():
    net, x = model(), rng.standard_normal((5, 3))
    before = net.state_dict()
    doubled = {name: 2 * p for name, p in before.items()}
    there = mg.functional_call(net, doubled, x)
    other = model()
    other.load_state_dict(doubled)
    assert_array_equal(there.data, other(x).data)
    for name, p in net.state_dict().items():
        assert_array_equal(p, before[name])
    assert [type(p) for p in net.parameters()] == [nn.Parameter] * 4


def test_the_state_dict_can_be_differentiated_to_the_second_order():
    net, x = model(), rng.standard_normal((5, 3))
    f = lambda params: (mg.functional_call(net, params, x) ** 2).mean()
    by_dict, by_module = mg.grad(f)(net.state_dict()), mg.grad(squared)(net, x)
    for name, g in by_dict.items():
        assert type(g) is np.ndarray
        assert_array_equal(g, by_module[name].data)
    one = mg.hessian(f)(net.state_dict())
    two = mg.hessian(squared)(net, x)
    v = {name: rng.standard_normal(p.shape) for name, p in net.state_dict().items()}
    (hv,) = mg.hvp(f, (net.state_dict(),), (v,))
    for a in v:
        for b in v:
            assert_allclose(one[a][b], two[a][b].data, atol=1e-15)
        total = sum(np.tensordot(one[a][b], v[b], axes=v[b].ndim) for b in v)
        assert_allclose(hv[a], total, atol=1e-14)


def test_functional_call_puts_everything_back_after_an_error():
    net = model()
    own = list(net.parameters())
    with pytest.raises(ValueError, match="linear"):
        mg.functional_call(net, {"0.weight": np.ones((4, 7))}, np.ones((2, 3)))
    assert all(a is b for a, b in zip(own, net.parameters(), strict=True))


def test_functional_call_names_what_the_module_does_not_have():
    with pytest.raises(ValueError, match=r"no parameter or buffer '0.weigth'.*0.weight"):
        mg.functional_call(model(), {"0.weigth": np.ones((4, 3))}, np.ones((2, 3)))


def test_shared_parameters_are_replaced_everywhere():
    class Tied(nn.Module):
        def __init__(self):
            self.a = nn.Linear(2, 2, bias=False)
            self.parts = {"b": [nn.Linear(2, 2, bias=False)]}
            self.parts["b"][0].weight = self.a.weight

        def forward(self, x):
            return self.parts["b"][0](self.a(x))

    net, w = Tied(), rng.standard_normal((2, 2))
    assert_allclose(mg.functional_call(net, {"a.weight": w}, np.eye(2)).data, np.eye(2) @ w.T @ w.T)


# autograd.grad


def test_autograd_grad_gives_a_tuple_and_touches_no_grad():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    w = mg.Tensor(3.0, requires_grad=True)
    gx, gw = mg.autograd.grad((w * x * x).sum(), [x, w])
    assert_array_equal(gx.data, [6.0, 12.0])
    assert_array_equal(gw.data, 5.0)
    assert x.grad is None
    assert not gx.requires_grad


def test_autograd_grad_reaches_what_lies_on_the_way():
    x = mg.Tensor(2.0, requires_grad=True)
    y = x * x
    z = y * y
    gy, gx = mg.autograd.grad(z, [y, x])
    assert (gy.item(), gx.item()) == (8.0, 32.0)


def test_autograd_grad_of_itself_is_one():
    x = mg.Tensor(2.0, requires_grad=True)
    assert mg.autograd.grad(x, x)[0].item() == 1.0


def test_autograd_grad_sums_over_outputs_in_one_walk():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    (g,) = mg.autograd.grad([y, y.exp().sum(), y], [x], [np.ones(2), None, np.array([1.0, 0.0])])
    assert_allclose(g.data, 2 * x.data * (np.array([2, 1]) + np.exp(x.data**2)))


def test_autograd_grad_walks_no_further_than_it_must():
    x, w = mg.Tensor(2.0, requires_grad=True), mg.Tensor(3.0, requires_grad=True)
    y = w.exp()
    z = x * y
    mg.autograd.grad(z, x)
    y.backward()  # its record has not been given up
    assert w.grad.item() == np.exp(3.0)


def test_autograd_grad_gives_the_record_up_unless_asked_to_keep_it():
    x = mg.Tensor(2.0, requires_grad=True)
    z = x.exp()
    mg.autograd.grad(z, x, retain_graph=True)
    mg.autograd.grad(z, x)
    with pytest.raises(RuntimeError, match="is gone"):
        mg.autograd.grad(z, x)


def test_autograd_grad_with_create_graph_nests():
    x = mg.Tensor(2.0, requires_grad=True)
    g = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        (g,) = mg.autograd.grad(g, x, create_graph=True)
        assert_allclose(g.item(), expected)


def test_autograd_grad_says_which_input_is_unused():
    x, w = mg.Tensor(2.0, requires_grad=True), mg.Tensor(3.0, requires_grad=True, name="w")
    with pytest.raises(RuntimeError, match=r"inputs\[1\], w.*allow_unused=True"):
        mg.autograd.grad(x * x, [x, w])
    assert mg.autograd.grad(x * x, [x, w], allow_unused=True)[1] is None
    assert mg.autograd.grad(x * x, [x, w], materialize_grads=True)[1].item() == 0.0


def test_autograd_grad_refuses_what_requires_no_gradient():
    x, y = mg.Tensor(2.0, requires_grad=True), mg.Tensor(3.0)
    with pytest.raises(RuntimeError, match=r"inputs\[0\].*does not require"):
        mg.autograd.grad(x * y, y)
    with pytest.raises(RuntimeError, match=r"outputs\[0\].*does not require"):
        mg.autograd.grad(y * y, x)
    with pytest.raises(RuntimeError, match="starts from a scalar"):
        mg.autograd.grad(mg.Tensor([1.0, 2.0], requires_grad=True) * x, x)


def test_backward_towards_inputs_leaves_other_leaves_alone():
    x, w = mg.Tensor(2.0, requires_grad=True), mg.Tensor(3.0, requires_grad=True)
    y = x * w
    (y * y).backward(inputs=[x, y])
    assert (x.grad.item(), y.grad.item(), w.grad) == (36.0, 12.0, None)


# compiled


@pytest.mark.parametrize(
    "f",
    [
        lambda net, x: mg.value_and_grad(squared)(net, x)[1]["0.weight"],
        lambda net, x: mg.grad(lambda x: squared(net, x))(x),
        lambda net, x: mg.hessian(lambda x: squared(net, x))(x),
        lambda net, x: mg.jvp(net, (x,), (x,))[1],
        lambda net, x: mg.hvp(lambda x: squared(net, x), (x,), (x,))[0],
    ],
    ids=["module", "grad", "hessian", "jvp", "hvp"],
)
def test_transforms_compile(f):
    net = model()
    step = mg.compile(lambda x: f(net, x))
    for _ in range(3):
        x = mg.Tensor(rng.standard_normal((2, 3)))
        assert_allclose(step(x).data, f(net, x).data, rtol=1e-13, atol=1e-15)


# checkpoint


def chain(x, w, between):
    for _ in range(6):
        x = between(lambda x: (x * w).tanh() * w.exp(), x)
    return x.sum()


def test_recomputing_changes_no_gradient():
    values = rng.standard_normal(3)
    results = []
    for between in (lambda f, x: f(x), mg.checkpoint):
        x, w = mg.Tensor(values, requires_grad=True), mg.Tensor(0.7, requires_grad=True)
        chain(x * 1, w, between).backward()
        results.append((x.grad.data, w.grad.data))
    for a, b in zip(*results, strict=True):
        assert_allclose(a, b, rtol=1e-14)


def test_recomputing_calls_once_more_and_stores_nothing_between():
    calls = []
    x = mg.Tensor(np.ones(3), requires_grad=True)
    w = mg.Tensor(2.0, requires_grad=True)

    def f(x):
        calls.append(1)
        return x * w, {"both": (x * w).exp()}

    a, rest = mg.checkpoint(f, x)
    assert a.inputs == rest["both"].inputs
    assert set(a.inputs) == {x, w}
    (a.sum() + rest["both"].sum()).backward()
    assert len(calls) == 2
    assert_allclose(w.grad.data, 3 + 3 * np.exp(2.0))
    assert_allclose(x.grad.data, 2 + 2 * np.exp(2.0) * np.ones(3))


def test_recomputing_can_be_differentiated_twice():
    x = np.array([0.3, 0.8])
    plain = lambda x: (x.tanh() * x).sum()
    assert_allclose(mg.hessian(lambda x: mg.checkpoint(plain, x))(x), mg.hessian(plain)(x), rtol=1e-13)


def test_recomputing_draws_the_same_numbers():
    x = mg.Tensor(np.ones(1000), requires_grad=True)
    y = mg.checkpoint(lambda x: x * mg.random.generator().random(1000), x)
    after = mg.random.generator().random()
    y.sum().backward()
    assert_array_equal(x.grad.data, y.data)
    assert mg.random.generator().random() != after


def test_recomputing_stops_at_what_was_there_before():
    w = mg.Tensor(2.0, requires_grad=True)
    x = w * w  # both x and w are used inside: going below x would count w twice
    mg.checkpoint(lambda x: x * w, x).backward()
    assert w.grad.item() == 12.0


def test_checkpoints_nest():
    x = mg.Tensor(0.5, requires_grad=True)
    mg.checkpoint(lambda x: mg.checkpoint(lambda x: x.exp(), x * x) * x, x).backward()
    assert_allclose(x.grad.item(), np.exp(0.25) * (1 + 2 * 0.25), rtol=1e-14)


def test_changing_an_input_of_a_checkpoint_is_noticed():
    w = mg.Tensor(2.0, requires_grad=True)
    y = mg.checkpoint(lambda: w * w)
    with mg.no_grad():
        w += 1.0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def aside(c):
    with mg.no_grad():
        c.copy_(c * 2)
    return c


@together
@pytest.mark.parametrize(
    "use",
    [
        lambda x, c: x * c,
        lambda x, c: (x + c).exp(),
        lambda x, c: x + c[::-1],
        lambda x, c: x + c.sum() * 2,
        lambda x, c: x + mg.Tensor(c.data.T),
        lambda x, c: mg.where(c > 3, x, 0),
        lambda x, c: x + aside(c),
        lambda x, c: x + mg.checkpoint(lambda: x * c),
    ],
    ids=["read", "unread", "a view", "computed", "its array", "a mask", "written by itself", "nested"],
)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("through", [lambda c: c, lambda c: c[1:], lambda c: c.detach()], ids=["it", "slice", "detach"])
def test_what_a_checkpoint_computes_with_is_not_to_be_written_before_backward(use, given, through):
    x, c = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor([3.0, 4.0])
    y = mg.checkpoint(use, x, c) if given else mg.checkpoint(lambda x: use(x, c), x)
    with mg.no_grad():
        part = through(c)
        part *= 10
    with pytest.raises(RuntimeError, match=r"checkpoint\(\).*changed in place.*change a copy"):
        y.sum().backward()


def test_what_a_checkpoint_only_counts_may_go_on():
    mg.random.manual_seed(0)
    norm, plain = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    a, b = np.random.default_rng(0).standard_normal((2, 4, 3))
    found = []
    for layer, call in ((norm, mg.checkpoint), (plain, lambda f, x: f(x))):
        xs = [mg.Tensor(x, requires_grad=True) for x in (a, b)]
        (call(layer, xs[0]) * call(layer, xs[1])).square().sum().backward()
        found.append([t.grad.data for t in (*xs, layer.weight, layer.bias)])
    for g, wanted in zip(*found, strict=True):
        assert_allclose(g, wanted, rtol=1e-12)


def test_what_a_checkpoint_does_not_use_may_be_written():
    x, c, other = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor([3.0, 4.0]), mg.Tensor([5.0, 6.0, 7.0, 8.0])
    y = mg.checkpoint(lambda: x * c * other[:2])
    with mg.no_grad():
        rest = other[2:]
        rest *= 2
    y.sum().backward()
    assert_array_equal(x.grad.data, [15, 24])


def test_a_checkpoint_that_fills_its_own_memory_reads_nothing_old():
    x, c = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor([0.0, 0.0])

    def f(x):
        with mg.no_grad():
            c.copy_(x.detach() * 3)
        return x * c.clone()

    y = mg.checkpoint(f, x)
    with mg.no_grad():
        c *= 0
    y.sum().backward()
    assert_array_equal(x.grad.data, [3, 6])


# threads


def test_threads_differentiate_at_once():
    found = [None] * 4

    def work(i):
        x = np.full(3, float(i))
        for _ in range(50):
            found[i] = mg.hessian(bowl)(x)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i, h in enumerate(found):
        assert_array_equal(h, 6.0 * i * np.eye(3))


@together
@pytest.mark.parametrize(
    ("f", "x"),
    [(lambda x: float(x) ** 2, 3.0), (lambda x: x.item() * x, 3.0), (math.exp, 1.0)],
    ids=["float", "item", "math"],
)
@pytest.mark.parametrize("transform", [mg.grad, mg.value_and_grad, mg.hessian, mg.jacobian])
def test_a_number_that_would_leave_the_graph_is_refused(transform, f, x):
    with pytest.raises(TypeError, match="carries no derivative"):
        transform(f)(x)


READERS = {
    "of an argument": lambda x: (x * x.data).sum(),
    "of a result": lambda x: (x * (2 * x).data).sum(),
    "of a view": lambda x: np.square(x[:1].data).sum(),
    "after a constant": lambda x: (x * (np.ones(2) * mg.Tensor([1.0, 2.0]) * x).data).sum(),
    "of what was written": lambda x: (x * written(x).data).sum(),
    "by name": lambda x: (x * operator.attrgetter("data")(x)).sum(),
    "inside another": lambda x: mg.grad(lambda y: (y * x.data).sum())(x).sum(),
}


def written(x):
    y = x * 1
    y[0] *= x[1]
    return y


@together
@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "transform",
    [
        lambda f, x: mg.grad(f)(x),
        mg.vjp,
        lambda f, x: mg.jvp(f, (x,), (x,)),
        lambda f, x: mg.jacobian(f)(x),
        lambda f, x: mg.hvp(f, (x,), (x,)),
    ],
    ids=["grad", "vjp", "jvp", "jacobian", "hvp"],
)
def test_the_array_of_what_is_differentiated_is_refused(transform, name):
    with pytest.raises(TypeError, match=r"asks for the value of .*\(\.data\).*carries no derivative.*detach\(\)"):
        transform(READERS[name], np.array([1.0, 2.0]))


def test_a_compiled_gradient_refuses_the_array_of_its_argument():
    with pytest.raises(TypeError, match=r"\(\.data\).*carries no derivative"):
        mg.compile(mg.grad(READERS["of an argument"]))(np.array([1.0, 2.0]))


def test_the_array_of_a_constant_is_a_constant():
    kept = []

    def f(x):
        kept.append(x * 2)
        with mg.no_grad():
            scale = (x * x).data.sum()
        return (x * x.detach().data).sum() * scale + (x > 1).data.sum()

    x = np.array([1.0, 2.0])
    assert_array_equal(mg.grad(f)(x), 5 * x)
    assert_array_equal(kept[0].data, 2 * x)
    y, pull = mg.vjp(lambda x: x * 2, mg.Tensor(x))
    assert type(y) is type(pull(y)[0]) is mg.Tensor


def test_a_function_of_nothing_has_the_derivative_0():
    assert_array_equal(mg.grad(lambda x: 3.0)(np.ones(2)), [0, 0])


def test_a_compiled_function_is_differentiated_as_often_as_one_likes():
    f = mg.compile(lambda x: (x * x).sum())
    x = mg.Tensor([1.0, 2.0])
    for _ in range(3):
        assert_array_equal(mg.grad(f)(x).data, [2, 4])
        assert f(x).item() == 5


def test_an_assignment_into_an_array_is_refused():
    def f(x):
        out = np.zeros(3)
        for i in range(3):
            out[i] = x[i] ** 2
        return out.sum()

    with pytest.raises(ValueError, match="setting an array element") as caught:
        mg.grad(f)(np.ones(3))
    assert "carries no derivative" in str(caught.value.__cause__)


def test_a_number_may_be_asked_of_what_needs_no_gradient_and_outside():
    assert mg.grad(lambda x: x * x.detach().item())(3.0) == 3.0
    assert mg.grad(mg.grad(lambda x: x**3))(2.0) == 12.0
    assert mode.events is QUIET
