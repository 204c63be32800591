"""A program is bound to arrays, parameters and optimisers: what happens to these between calls is noticed."""

from collections import deque
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from together import sparing, together

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.compiler.tracing.captures import Surroundings

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
    for same in (w, w.detach(), w.data):
        with pytest.raises(mg.CompileError, match="is given w as an argument, and has it by itself"):
            f(same)
    assert np.array_equal(f(Z).data, Z * 2 - X)


def test_an_array_on_disk_is_an_argument_like_any_other(tmp_path):
    x = np.memmap(tmp_path / "x", X.dtype, "w+", shape=X.shape)
    f = mg.compile(lambda x: x * 2)
    for array in (x, X, x):
        x[...] = X + 1
        assert np.array_equal(f(array).data, array * 2)
    assert f.cache_info() == (2, 1, 1)


def shift(x, y):
    """Writes `x`, and reads what `y` is before and after."""
    a = (y + 1) * 2
    with mg.no_grad():
        x.copy_(x * 3)
    return a * ((y + 1) * 3)


@pytest.mark.parametrize("tensor", [np.asarray, mg.Tensor])
def test_arguments_that_overlap_are_not_taken_for_separate_ones(tensor):
    f = mg.compile(shift)
    for i in range(6):
        both = [np.arange(12.0) for _ in range(2)]
        for array, step in zip(both, (f, shift), strict=True):
            parts = [tensor(array[:5]), tensor(array[7:] if i % 3 == 0 else array[2:7])]
            z = step(*parts) if step is f else step(*map(mg.Tensor, parts))
            array[0] = z.data.sum()
        assert np.array_equal(*both)
    assert f.cache_info() == (1, 1, 1)


def test_arrays_in_a_tuple_are_arguments_like_others():
    """Calls that the short way must not take differ in one thing each: where it looks away, numbers are others."""

    def f(batch, scale):
        x, y = batch[:2]
        return (x * scale + y * 2).sum() if len(batch) == 2 and type(batch) is tuple else x.sum() * len(batch)

    step, x, y = mg.compile(f), np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    mine = mg.Tensor(np.full((2, 3), 2.0), requires_grad=True)
    for batch, scale in [
        ((x, y), x), ((x, y), x), ((y, x), x), ((x, x), y), ((x, y, y), x), ([x, y], x), ((x[:1], y), x),
        ((x.astype("f4"), y), x), ((np.asfortranarray(x), y), x), ((x, mine), x), ((x, mine.detach()), x), ((x, y), y),
        ((x, 3), x), ((x, y), x),
    ] * 2:  # fmt: skip
        assert step(batch, scale).item() == f(batch, scale).item()
    assert step.cache_info().hits >= 14


@pytest.mark.parametrize("how", ["quick", "by keyword"])
def test_a_write_into_an_argument_counts_as_a_write(how):
    def add(x):
        with mg.no_grad():
            x += 1
        return x * 2

    f = mg.compile(add)
    w = mg.Tensor(np.ones(3), requires_grad=True)
    for _ in range(4):
        x = mg.Tensor(X.copy())
        z = (x * w).sum()
        f(x) if how == "quick" else f(x=x)
        with pytest.raises(RuntimeError, match="changed in place after it had been used"):
            z.backward()
    assert f.cache_info().hits == 3


def quotients(w, v, x):
    (g, h) = mg.autograd.grad((w * v * x).square().sum(), [w, v])
    w.grad, v.grad = g * 0.5, h


def one_for_two(w, v, x):
    (w.grad,) = mg.autograd.grad((w * v * x).square().sum(), [w])
    v.grad = w.grad


def from_an_argument(w, v, x):
    w.grad = x
    (w * v * x).square().sum().backward()
    del v.grad


def in_place_of_another(w, v, x):
    v.grad = w.grad = None
    (w * v * x).square().sum().backward()
    v.grad = w.grad * 2


@pytest.mark.native
@pytest.mark.parametrize("assign", [quotients, one_for_two, from_an_argument, in_place_of_another])
def test_a_gradient_that_a_step_assigns_is_another_one_in_every_call(assign):
    def training(wrap):
        w, v = mg.Tensor([1.0, -2.0], requires_grad=True), mg.Tensor([0.5, 3.0], requires_grad=True)
        optimizer = optim.SGD([w, v], lr=0.01, momentum=0.9)
        step = wrap(lambda x: assign(w, v, x))
        draw = np.random.default_rng(0)
        for _ in range(4):
            step(mg.Tensor(draw.standard_normal(2)))
            yield [t.grad is not None and t.grad.data.tobytes() for t in (w, v)]
            optimizer.step()
            yield [t.data.tobytes() for t in (w, v)]

    assert list(training(mg.compile)) == list(training(lambda f: f))


@pytest.mark.native
@pytest.mark.parametrize("how", ["quick", "by keyword"])
def test_an_argument_that_cannot_be_written_is_refused_as_eagerly(how, tmp_path):
    def add(x):
        with mg.no_grad():
            x += 1
        return x * 2

    f = mg.compile(add)
    X.tofile(tmp_path / "x")
    for mode in ("c", "c", "c", "r", "c"):
        x = mg.Tensor(np.memmap(tmp_path / "x", X.dtype, mode, shape=X.shape))
        if mode == "c":
            assert np.array_equal((f(x) if how == "quick" else f(x=x)).data, (X + 1) * 2)
            continue
        for step in (add, f):
            with pytest.raises(ValueError, match=r"add: x is .*read-only"):
                step(x) if how == "quick" else step(x=x)
    assert f.cache_info() == (3, 1, 1)


def test_an_update_in_blocks_counts_as_a_write():
    net = nn.Linear(400, 400)
    optimizer = optim.Adam(net.parameters())

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()

    x = np.ones((2, 400))
    for _ in range(3):
        loss = net(net(x)).sum()
        step(x)
        with pytest.raises(RuntimeError, match="changed in place after it had been used"):
            loss.backward()
    assert step.last.passes["in blocks"]


@pytest.mark.parametrize("written", ["argument", "frozen weight"])
def test_a_write_to_what_a_compiled_gradient_depends_on_is_noticed(written):
    frozen = nn.Linear(3, 2).requires_grad_(False)
    w = mg.Tensor(np.ones(3), requires_grad=True)
    f = mg.compile(lambda x: frozen(x * w).sum())
    for _ in range(3):
        x = mg.Tensor(X.copy())
        f(x).backward()
        loss = f(x)
        with mg.no_grad():
            t = x if written == "argument" else frozen.weight
            t.copy_(t * 2)
        with pytest.raises(RuntimeError, match="changed in place after it had been used"):
            loss.backward()


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


def reset(state):
    """Every way there is of emptying the state of one parameter, or of all."""

    def first(optimizer):
        return optimizer.param_groups[0]["params"][0]

    def fresh(optimizer):
        optimizer.state = {}

    ways = {
        "clear": lambda o: o.state.clear(),
        "assign": fresh,
        "del": lambda o: o.state.pop(first(o)),
        "clear one": lambda o: o.state[first(o)].clear(),
        "clear each": lambda o: [s.clear() for s in o.state.values()],
        "assign one": lambda o: o.state.__setitem__(first(o), {}),
        "assign each": lambda o: o.state.update({p: {} for p in o.state}),
        "del a slot": lambda o: o.state[first(o)].pop("exp_avg", None),
        "step": lambda o: o.state[first(o)].update(step=0),
        "copies": lambda o: o.state.update({p: dict(s) for p, s in o.state.items()}),
    }
    return ways[state]


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("make", sparing([optim.Adam, optim.SGD, partial(optim.SGD, momentum=0.9, dampening=0.5)], 3))
@pytest.mark.parametrize(
    "way",
    ["clear", "assign", "del", "clear one", "clear each", "assign one", "assign each", "del a slot", "step", "copies"],
)
def test_a_state_that_was_reset_starts_afresh(make, way, eagerly):
    def between(training, i):
        if i in (3, 5):
            reset(way)(training.optimizer)
            if eagerly:
                training.step(X)

    step = agree(between, calls=8, make=lambda params: make(params, lr=0.05))
    assert step.cache_info().hits >= 3
    assert step._main() is step.last


def test_a_saved_state_is_of_the_parameters_whatever_the_order_of_the_states():
    a, b = Training(), Training()
    for i in range(3):
        a.step(X * i)
        b.step(X * i)
    state = b.optimizer.state
    first = next(iter(state))
    state[first] = state.pop(first)
    saved, wanted = b.optimizer.state_dict(), a.optimizer.state_dict()
    assert saved["param_groups"] == wanted["param_groups"]
    assert all(np.array_equal(saved["state"][i]["exp_avg"], wanted["state"][i]["exp_avg"]) for i in wanted["state"])
    state.clear()
    b.optimizer.load_state_dict(wanted)
    assert [s["step"] for s in state.values()] == [3] * 6


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o.param_groups.pop(),
        lambda o: o.param_groups[0]["params"].pop(),
        lambda o: o.param_groups[0].update(params=o.param_groups[0]["params"][:1]),
        lambda o: o.param_groups.__setitem__(0, {**o.param_groups[0], "lr": 0.5}),
        lambda o: setattr(o, "param_groups", [{**o.param_groups[1], "lr": 0.5}]),
        lambda o: o.add_param_group({"params": mg.Tensor(1.0, requires_grad=True)}),
    ],
)
def test_groups_may_be_changed_by_hand(change):
    def halves(params):
        params = list(params)
        return optim.Adam([{"params": params[:3]}, {"params": params[3:], "lr": 0.01}], lr=0.05)

    agree(lambda training, i: change(training.optimizer) if i == 3 else None, calls=6, make=halves)


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


class Holder:
    """An object that keeps a tensor."""

    def __init__(self):
        self.h = zeros()

    def step(self, x):
        z = self.h * 0.9 + x.mean(axis=0)
        self.h = z
        return z


class Slotted:
    """One without a dict of its attributes."""

    __slots__ = ("slot",)

    def __init__(self):
        self.slot = zeros()


def zeros():
    return mg.Tensor(np.zeros(3))


def nested():
    """A tensor deep down in a container that holds itself."""
    whole: dict[str, Any] = {"a": [{"b": (1, [zeros()])}]}
    whole["self"] = whole["a"][0]["whole"] = whole
    return whole


PLACES = {  # what it is called, what it is in, how it is read and written
    "state['h']": (lambda: {"h": zeros()}, lambda s: s["h"], lambda s, x: s.update(h=x)),
    "state[2]": (lambda: {1: 3, 2: zeros()}, lambda s: s[2], lambda s, x: s.update({2: x})),
    "state[0]": (lambda: [zeros()], lambda s: s[0], lambda s, x: s.__setitem__(0, x)),
    "state[1]": (lambda: deque([zeros(), zeros()], maxlen=2), lambda s: s[1], lambda s, x: s.append(x)),
    "state.h": (Holder, lambda s: s.h, lambda s, x: setattr(s, "h", x)),
    "state.slot": (Slotted, lambda s: s.slot, lambda s, x: setattr(s, "slot", x)),
    "state.there": (lambda: SimpleNamespace(there=zeros()), lambda s: s.there, lambda s, x: setattr(s, "there", x)),
    "state['a'][0]['b'][1][0]": (
        nested,
        lambda s: s["a"][0]["b"][1][0],
        lambda s, x: s["a"][0]["b"][1].__setitem__(0, x),
    ),
}


@together
@pytest.mark.parametrize("helped", [False, True])
@pytest.mark.parametrize("name", PLACES)
def test_another_tensor_in_a_container_is_refused_by_name(name, helped):
    make, read, write = PLACES[name]
    state = make()

    def step(x):
        z = read(state) * 0.9 + x.mean(axis=0)
        write(state, z)
        return z

    with pytest.raises(mg.CompileError) as caught:
        mg.compile((lambda x: step(x) * 2) if helped else step)(X)
    assert f"puts another tensor in the place of {name};" in str(caught.value)
    assert f"{name}.copy_(...) inside no_grad(), or take it as an argument and return the new" in str(caught.value)


@pytest.mark.parametrize("name", PLACES)
def test_another_tensor_in_a_container_between_calls_is_read(name):
    make, read, write = PLACES[name]
    state = make()
    f = mg.compile(lambda x: x + read(state))
    for i in range(9):
        if i % 3 == 0:
            write(state, mg.Tensor(np.full(3, float(i))))
        assert np.array_equal(f(X).data, X + i // 3 * 3)
    assert f.cache_info().misses == 3


def test_another_tensor_in_an_attribute_of_the_object_whose_method_is_compiled_is_refused_by_name():
    with pytest.raises(mg.CompileError, match=r"the place of self\.h;.*self\.h\.copy_"):
        mg.compile(Holder().step)(X)


def test_a_tensor_that_the_first_call_leaves_behind_is_read_by_the_second():
    class Remembering(nn.Module):
        def __init__(self, *, reads):
            self.reads, self.h = reads, None

        def forward(self, x):
            z = x if self.h is None or not self.reads else x + self.h
            self.h = z[0].detach()
            return z

    f = mg.compile(Remembering(reads=True))
    f(X)
    with pytest.raises(mg.CompileError, match="another tensor in the place of h"):
        f(X)
    g = mg.compile(Remembering(reads=False))
    for i in range(5):
        assert np.array_equal(g(X * i).data, X * i)
    assert g.cache_info() == (3, 2, 2)


def test_looking_around_does_not_go_through_data():
    data = [[float(i)] for i in range(100_000)]
    state = {"h": zeros()}
    found = Surroundings(lambda x: len(data) * x + state["h"]).things
    assert len(found) <= 10_000


def course(change, calls=7):
    """What a net and a step do while ``change(things, i)`` comes before call `i`: eagerly, compiled, and the step."""

    def run(wrap):
        mg.random.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        net.more = [nn.Linear(2, 2), nn.Linear(2, 2)]
        criterion = nn.MSELoss()
        offset = zeros()
        optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        loop = SimpleNamespace(net=net, handles=[])

        def exchange(**things):
            nonlocal net, criterion, offset, optimizer
            net, criterion = things.get("net", net), things.get("criterion", criterion)
            offset, optimizer = things.get("offset", offset), things.get("optimizer", optimizer)
            loop.net = net

        loop.exchange = exchange

        def step(x):
            optimizer.zero_grad()
            y = net(x + offset)
            for layer in loop.net.more:
                y = layer(y)
            loss = criterion(y, y.detach() * 0 + 1)
            loss.backward()
            optimizer.step()
            return loss

        step = wrap(step)
        losses = []
        for i in range(calls):
            change(loop, i)
            losses.append(step(X * i).item())
        return losses, [p.data.tobytes() for p in net.parameters()], step

    return run(lambda f: f), run(mg.compile)


def once(change):
    return lambda loop, i: change(loop) if i == 3 else None


def hooked(loop, i):
    """A hook on a layer, then one on its weight, then none."""
    if i == 2:
        loop.handles.append(loop.net[0].register_forward_hook(lambda module, args, z: z * 2))
    if i == 4:
        loop.handles.append(loop.net[0].weight.register_hook(lambda g: g * 3))
    if i == 5:
        for handle in loop.handles:
            handle.remove()


def other_net(loop):
    net = nn.Sequential(nn.Linear(3, 2))
    net.more = []
    loop.exchange(net=net)


CHANGES = {
    "parameter": once(lambda loop: setattr(loop.net[0], "weight", nn.Parameter(np.ones((4, 3))))),
    "no bias": once(lambda loop: setattr(loop.net[0], "bias", None)),
    "layer": once(lambda loop: loop.net.__setitem__(2, nn.Linear(4, 2))),
    "activation": once(lambda loop: loop.net.__setitem__(1, nn.Sigmoid())),
    "layer more": once(lambda loop: loop.net.append(nn.Sigmoid())),
    "layer less": once(lambda loop: loop.net.__delitem__(1)),
    "layer in a list": once(lambda loop: loop.net.more.__setitem__(0, nn.Linear(2, 2))),
    "layer in a list more": once(lambda loop: loop.net.more.append(nn.Linear(2, 2))),
    "list": once(lambda loop: setattr(loop.net, "more", [nn.Tanh()])),
    "hooks": hooked,
    "net": once(other_net),
    "criterion": once(lambda loop: loop.exchange(criterion=nn.L1Loss())),
    "offset": once(lambda loop: loop.exchange(offset=mg.Tensor(np.ones(3)))),
    "optimizer": once(lambda loop: loop.exchange(optimizer=optim.SGD(loop.net.parameters(), lr=0.2, momentum=0.5))),
}


@pytest.mark.filterwarnings("ignore:SGD. step. no parameter has a gradient")  # that holds the former net
@pytest.mark.parametrize("change", CHANGES)
def test_what_takes_the_place_of_something_between_calls_is_used(change):
    wanted, found = course(CHANGES[change])
    assert wanted[:2] == found[:2]
    assert found[2].cache_info().hits >= 3


def test_a_net_that_only_looks_different_keeps_its_program():
    def looked_at(loop, i):
        loop.net.epoch = i
        loop.net.seen = mg.Tensor(float(i))
        nn.Linear(1, 1)

    wanted, found = course(looked_at)
    assert wanted[:2] == found[:2]
    assert found[2].cache_info().misses == 1


@pytest.mark.native
@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("transposed", [False, True])
def test_gradients_lie_in_memory_as_eagers(set_to_none, transposed):
    """Sums go in the order of memory, so a norm tells."""

    def course(wrap):
        mg.random.manual_seed(0)
        net = nn.Sequential(nn.Linear(30, 40), nn.Tanh(), nn.Linear(40, 30))
        a, b = (mg.Tensor(np.random.default_rng(i).standard_normal((40, 30)), requires_grad=True) for i in range(2))
        optimizer = optim.SGD([a, b, *net.parameters()], lr=0.1)

        def step(x):
            optimizer.zero_grad(set_to_none=set_to_none)
            y = (a + b).T if transposed else a + b
            (net(x) @ (y if transposed else y.T)).square().mean().backward()
            norm = nn.utils.clip_grad_norm_([a, b, *net.parameters()], 1.0)
            optimizer.step()
            return norm, [p.grad.sum() for p in (a, b, *net.parameters())]

        step = wrap(step)
        norms = []
        for i in range(6):
            norm, sums = step(mg.Tensor(np.random.default_rng(i).standard_normal((20, 30))))
            norms.append([norm.item(), *(z.item() for z in sums)])
        return norms

    assert course(lambda f: f) == course(mg.compile)


# what no program can know of


def descent(update):
    """A step of gradient descent whose update is `update`."""
    w = mg.Tensor(np.ones((3, 2)), requires_grad=True, name="w")

    def step(x):
        w.grad = None
        loss = (x @ w - 1).square().mean()
        loss.backward()
        update(w)
        return loss

    return w, step


def assigned(w):
    w.data = w.data - 0.1 * w.grad.data


def in_place(w):
    w.data -= 0.1 * w.grad.data


def halved(w):
    w.grad.data *= 0.5


def exchanged(w):
    w.grad.data = w.grad.data * 0.5
    with mg.no_grad():
        w -= 0.1 * w.grad


@pytest.mark.parametrize(
    ("update", "words"),
    [
        (assigned, "puts another array into w, by an assignment to its data"),
        (in_place, r"w\.data -= 0\.1 \* w\.grad\.data, by arithmetic of NumPy's own.*inside no_grad\(\): w -= "),
        (halved, r"changes what a tensor holds, .* w\.grad\.data \*= 0\.5, by arithmetic"),
        (exchanged, r"uses an array of shape \(3, 2\) that the step neither received nor owns"),
    ],
)
def test_arithmetic_past_the_tensors_is_refused(update, words):
    _, step = descent(update)
    with pytest.raises(mg.CompileError, match=words):
        mg.compile(step)(X)


def silent(name):
    """A step that writes with NumPy, and the tensor that it writes into."""
    w, kept = mg.Tensor(np.ones(3), requires_grad=True, name="w"), mg.Tensor(np.ones(3), name="kept")
    w.grad, part = mg.Tensor(np.ones(3)), w.data[:2]
    optimizer = optim.SGD([w], lr=0.1)

    def trained(x):
        w.grad = None
        loss = (x * w).sum()
        loss.backward()
        return loss

    def halved(x):
        w.data *= 0.5
        return trained(x)

    def halved_and_updated(x):
        loss = trained(x)
        w.data *= 0.5
        optimizer.step()
        return loss

    def halved_and_written(x):
        w.data *= 0.5
        with mg.no_grad():
            w.copy_(w * 2)
        return trained(x)

    def clipped(x):
        loss = trained(x)
        optimizer.step()
        np.clip(w.data, -100, 100, out=w.data)
        return loss

    def clipped_gradient(x):
        loss = trained(x)
        np.clip(w.grad.data, -100, 100, out=w.grad.data)
        optimizer.step()
        return loss

    def halved_gradient(x):
        w.grad.data *= 0.5
        (x * w).sum().backward()
        return w.grad * 1

    def counted(x):
        kept.data += 1
        return trained(x)

    def seen_elsewhere(x):
        part[:] = 0.5
        return trained(x)

    def activated(x):
        y = x * w
        y.data[y.data < 0] = 0
        return y.detach()

    def argument(x):
        np.clip(x.data, -100, 100, out=x.data)
        return x * w.detach()

    def transposed(x):
        y = (x * w).T
        y.data.sort()
        return y.detach()

    def exchanged(x):
        w.data = w.data * 0.5
        return trained(x)

    return locals()[name], w


@together
@pytest.mark.parametrize(
    "name",
    ["halved", "halved_and_updated", "halved_and_written", "clipped", "clipped_gradient", "halved_gradient", "counted",
     "seen_elsewhere", "argument", "activated", "transposed", "exchanged"],
)  # fmt: skip
def test_what_numpy_writes_is_refused_before_the_step_meets_it_and_after(name):
    step, w = silent(name)
    with pytest.raises(mg.CompileError, match="puts another" if name == "exchanged" else "arithmetic of NumPy.s own"):
        mg.compile(step)(X)
    assert w.data.flags.writeable
    step(mg.Tensor(X))


def test_after_a_trace_all_can_be_written_again():
    w = mg.Tensor(np.ones(3), requires_grad=True)

    @mg.compile
    def step(x):
        w.grad = None
        y = x * w
        y[0] = 0.0
        y.sum().backward()
        with mg.no_grad():
            w[:2] -= 0.1 * w.grad[:2]
        return y.detach(), y.T.detach(), y.detach()[1]

    x = mg.Tensor(X)
    for result in (*step(x), w, w.grad, x):
        result.data += 1


def test_an_argument_or_a_tensor_from_before_does_not_become_part_of_a_graph():
    w = mg.Tensor(np.ones(3), requires_grad=True)
    h = mg.Tensor(np.ones(3), name="h")

    def argument(x):
        x *= w
        return x.sum()

    def outside(x):
        z = h
        z *= w
        return (x * z).sum()

    with pytest.raises(mg.CompileError, match="puts another array into"):
        mg.compile(argument)(mg.Tensor(X.copy()))
    with pytest.raises(mg.CompileError, match=r"z \*= w makes h.* a part of the graph"):
        mg.compile(outside)(X)
    f = mg.compile(argument)  # an array is a tensor in the step only, and no one else's
    assert all(f(X * i).item() == (X * i).sum() for i in range(3))


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
