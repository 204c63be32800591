"""A program is bound to arrays, parameters and optimisers: what happens to these between calls is noticed."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim

X = np.random.default_rng(0).standard_normal((4, 3))
Z = np.random.default_rng(1).standard_normal((4, 3))


class Training:
    """A small net, its optimiser, a step."""

    def __init__(self, make=lambda params: optim.Adam(params, lr=0.05)):
        mg.random.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 7), nn.Sigmoid(), nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 2))
        self.optimizer = make(self.net.parameters())

    def step(self, x):
        self.optimizer.zero_grad()
        loss = (self.net(x) - 1).square().mean()
        loss.backward()
        self.optimizer.step()
        return loss

    def bits(self):
        return [p.data.tobytes() for p in self.net.parameters()]


def agree(between, calls=12, **settings):
    """Train eagerly and compiled, with ``between(training, i)`` before call `i`; the compiled step."""
    a, b = Training(**settings), Training(**settings)
    compiled = mg.compile(b.step)
    for i in range(calls):
        between(a, i)
        between(b, i)
        assert a.step(X * i).item() == compiled(X * i).item()
        assert a.bits() == b.bits()
    return compiled


# arguments


@pytest.mark.parametrize("tensor", [np.asarray, mg.Tensor])
def test_one_array_for_two_arguments_is_a_kind_of_its_own(tensor):
    f = mg.compile(lambda x, y: x * 2 - y)
    x, z = tensor(X), tensor(Z)
    for first, second, wanted in ((x, x, X), (x, z, X * 2 - Z), (z, z, Z), (z, x, Z * 2 - X)) * 2:
        assert np.array_equal(f(first, second).data, wanted)
    assert f.cache_info().currsize == 2


def test_numbers_that_are_equal_may_be_of_different_kinds():
    f = mg.compile(lambda x, n: x * n)
    whole = np.arange(3)
    assert [f(whole, n).dtype.kind for n in (1, 1.0, True)] == ["i", "f", "i"]
    assert [np.signbit(f(np.ones(1), n).data[0]) for n in (0.0, -0.0)] == [False, True]
    small = np.ones(2, np.float32)
    assert [f(small, n).dtype.itemsize for n in (2.0, np.float64(2.0), np.float32(2.0))] == [4, 8, 4]


def test_nan_is_the_same_number_in_every_call():
    f = mg.compile(lambda x, n: x * n)
    for _ in range(3):
        f(X, float("nan"))
    assert f.cache_info().misses == 1


class Batch(NamedTuple):
    x: Any
    y: Any


def test_named_tuples_and_slices_are_arguments():
    f = mg.compile(lambda batch, part: (batch.x * batch.y)[part])
    for i in range(3):
        assert np.array_equal(f(Batch(X * i, Z), slice(0, 2)).data, (X * i * Z)[:2])
        f(Batch(mg.Tensor(X), mg.Tensor(Z)), slice(0, 2))
    assert f.cache_info() == (4, 2, 2)


def test_what_cannot_be_told_apart_is_refused_in_words():
    with pytest.raises(TypeError, match=r"an argument is a set, \{1, 2\}.*Pass tensors, arrays"):
        mg.compile(lambda x, s: x * len(s))(X, {1, 2})


def test_an_argument_may_be_wrapped_in_the_step():
    f = mg.compile(lambda x: mg.Tensor(x) * 2)
    assert all(np.array_equal(f(x).data, x * 2) for x in (X, Z))


def test_numbers_without_end_are_told():
    f = mg.compile(lambda x, n: x * n)
    for n in range(63):
        f(X, n)
    with pytest.warns(RuntimeWarning, match="64 kinds of arguments.*best an array"):
        f(X, 63)
    for n in range(70):
        assert np.array_equal(f(X, np.array(float(n))).data, X * n)
    assert f.cache_info().currsize == 65


def test_an_argument_that_the_function_has_by_itself_is_refused():
    w = mg.Tensor(X.copy(), requires_grad=True)
    f = mg.compile(lambda x: x * 2 - w)
    with pytest.raises(mg.CompileError, match="is given w as an argument, and has it by itself"):
        f(w)
    assert np.array_equal(f(Z).data, Z * 2 - X)


# gradients


def test_another_array_in_the_gradient_is_not_what_the_next_call_delivers():
    def halve(training, i):
        for p in training.net.parameters():
            if p.grad is not None:
                p.grad.data = p.grad.data * 0.5

    a, b = Training(), Training()
    compiled = mg.compile(b.step)
    for i in range(4):
        a.step(X * i)
        compiled(X * i)
        for p, q in zip(a.net.parameters(), b.net.parameters(), strict=True):
            assert np.array_equal(p.grad.data, q.grad.data)
        halve(a, i)
        halve(b, i)


def test_a_leaf_made_in_the_step_is_another_one_in_every_call():
    def course(wrap):
        t = Training()

        def step(x):
            t.optimizer.zero_grad()
            x = mg.Tensor(x).detach()
            x.requires_grad = True
            (slope,) = mg.autograd.grad(t.net(x).sum(), [x], create_graph=True)
            loss = (slope.square().sum(axis=1) - 1).square().mean()
            loss.backward()
            t.optimizer.step()
            return loss

        step = wrap(step)
        return [step(X * i).item() for i in range(4)], t.bits(), step

    wanted, found = course(lambda f: f), course(mg.compile)
    assert wanted[:2] == found[:2]
    assert found[2].cache_info().misses == 1


# parameters and optimisers


def test_a_parameter_left_out_of_some_steps_keeps_a_count_of_its_own():
    def freeze(training, i):
        training.net[0].weight.requires_grad_(i % 3 != 1)
        training.net[2].bias.requires_grad_(i % 4 != 1)

    agree(freeze)


def test_arrays_of_an_optimiser_may_be_replaced():
    def restart(training, i):
        if i in (4, 5):
            for state in training.optimizer.state.values():
                state["exp_avg"] = np.zeros_like(state["exp_avg"])

    agree(restart)


def test_momentum_may_be_switched_on_later():
    def change(training, i):
        (group,) = training.optimizer.param_groups
        group["momentum"], group["nesterov"] = 0.9 * (i % 3 > 0), i % 6 == 5

    assert agree(change, make=lambda params: optim.SGD(params, lr=0.1)).cache_info().hits >= 6


def test_two_optimisers_share_parameters_without_taking_them_from_each_other():
    def course(wrap):
        t = Training()
        other = optim.SGD(list(t.net.parameters())[:3], lr=0.1, momentum=0.9)

        def second(x):
            other.zero_grad()
            loss = t.net(x).square().sum()
            loss.backward()
            other.step()
            return loss

        steps = wrap(t.step), wrap(second)
        return [step(X * i).item() for i in range(6) for step in steps], t.bits(), steps

    wanted, found = course(lambda f: f), course(mg.compile)
    assert wanted[:2] == found[:2]
    assert [step.cache_info().misses for step in found[2]] == [1, 1]


def test_memory_that_others_hold_stays_where_it_is():
    t = Training()
    array, view = t.net[0].weight.data, t.net[2].weight.detach().numpy()[:1]
    t.net[2].bias.data = t.net[2].bias.data.copy()
    twin = nn.Parameter(t.net[4].bias.data)
    twin.data = t.net[4].bias.data
    step = mg.compile(t.step)
    for _ in range(3):
        step(X)
    assert t.net[0].weight.data is array
    assert np.shares_memory(view, t.net[2].weight.data)
    assert t.net[4].bias.data is twin.data
    assert step.last.passes["one vector"] > 0  # the others are one


def test_an_earlier_graph_does_not_keep_parameters_from_moving():
    t = Training()
    guess = t.net(X)
    step = mg.compile(t.step)
    step(X)
    alone = Training()
    other = mg.compile(alone.step)
    other(X)
    assert guess.op is not None
    assert step.last.passes == other.last.passes


def test_a_tensor_put_in_the_place_of_one_that_is_read_is_refused():
    class Running(nn.Module):
        def __init__(self):
            self.mean = mg.Tensor(np.zeros(3))

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
            return x - self.mean

    with pytest.raises(mg.CompileError, match=r"another tensor in the place of mean.*mean\.copy_"):
        mg.compile(Running())(X)


# arithmetic


def test_a_negated_sum_is_left_alone_where_others_see_its_zeros():
    def powers(x, b):
        u = -(x + b)
        return u.exp(), 1 / u, u

    f = mg.compile(powers)
    x, b = np.ones((6, 3)), -np.ones(3)
    with np.errstate(divide="ignore"):
        wanted = powers(mg.Tensor(x), mg.Tensor(b))
        for _ in range(2):
            found = f(x, b)
            assert all(w.data.tobytes() == z.data.tobytes() for w, z in zip(wanted, found, strict=True))


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_write_between_a_sum_and_its_negative_comes_between(mode):
    state = mg.Tensor(X.copy(), name="state")

    def step(b):
        total = state + b
        with mg.no_grad():
            state.copy_(state * 2)
        return (-total).exp()

    f = mg.compile(step, mode=mode)
    for _ in range(3):
        state.data[...] = X
        assert np.allclose(f(np.ones(3)).data, np.exp(-(X + 1)), rtol=1e-14)


def test_fast_scalings_see_an_argument_that_is_written():
    def step(x):
        y = x * 2
        x += 1
        return y * 3

    f = mg.compile(step, mode="fast")
    for _ in range(3):
        assert np.allclose(f(X.copy()).data, X * 6)
