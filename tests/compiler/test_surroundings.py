"""What a step reads around it decides what it does: another value there, and it is traced again."""

import functools
import itertools
import math
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType, ModuleType, SimpleNamespace

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import nn, optim

X = np.random.default_rng(0).standard_normal((4, 3))
pytestmark = pytest.mark.native


class Thing:
    """A plain object."""

    factor = 2.0
    shared = ()

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def work(self, x):
        return x * 2

    def __call__(self, x):
        return x * self.k

    @property
    def hidden(self):
        return self._hidden


class Other(Thing):
    """One that works otherwise."""

    def work(self, x):
        return x * 3


class Slotted:
    """An object without a dict."""

    __slots__ = ("k",)


@dataclass
class Settings:
    """What a configuration looks like."""

    k: float = 2.0


class Colour(Enum):
    """An enumeration."""

    RED = 1
    BLUE = 2


Pair = namedtuple("Pair", "a b")  # noqa: PYI024  a tuple with names
factor, parameters = 2.0, []


def tensor(*numbers):
    return mg.Tensor(np.array(numbers), requires_grad=True)


def total(tensors, x):
    """The sum of `x` and of all `tensors`, added one by one."""
    y = x.sum()
    for t in tensors:
        y = y + t.sum()
    return y


def setting(holder, name, value):
    return lambda: setattr(holder, name, value)


def of_containers():
    """Containers that are empty or hold numbers, and what changes them: (step, change) by name."""
    t, ps, attributes = tensor(4.0, 5.0, 6.0), [], Thing(ps=[], tuple=(), deep={"a": [[]]}, pair=Pair(2.0, 1.0))
    named, members, config, sizes = {}, set(), {"k": 2.0, "layers": [{"k": 2.0}]}, [1, 2.0]
    queue, counted, groups, ordered = deque([1]), Counter(a=1), defaultdict(list), OrderedDict()
    inside = {"k": 2.0}
    shown, user, first = MappingProxyType(inside), UserDict(k=2.0), {"a": 2.0, "b": 3.0}
    chained = ChainMap({}, inside)
    parameters.clear()

    def reordered():
        a = first.pop("a")
        first["a"] = a

    def defaulted(x, tensors=[]):  # noqa: B006  the very list is meant
        return total(tensors, x)

    return {
        "a list that was empty": (lambda x: total(attributes.ps, x), lambda: attributes.ps.append(t)),
        "an empty list replaced": (lambda x: total(attributes.ps, x), setting(attributes, "ps", [t])),
        "an empty tuple replaced": (lambda x: total(attributes.tuple, x), setting(attributes, "tuple", (t,))),
        "an empty list deep down": (
            lambda x: total(attributes.deep["a"][0], x),
            lambda: attributes.deep["a"][0].append(t),
        ),
        "an empty list of a function": (lambda x: total(ps, x), lambda: ps.append(t)),
        "an empty list of a module": (lambda x: total(parameters, x), lambda: parameters.append(t)),
        "an empty list as a default": (defaulted, lambda: defaulted.__defaults__[0].append(t)),
        "an empty dict": (lambda x: total(named.values(), x), lambda: named.update(t=t)),
        "an empty set": (lambda x: total(members, x), lambda: members.add(t)),
        "a dict of lists": (lambda x: total(groups["a"], x), lambda: groups["a"].append(t)),
        "an ordered dict": (lambda x: total(ordered.values(), x), lambda: ordered.update(t=t)),
        "a number in a dict": (lambda x: x * config["k"], lambda: config.update(k=3.0)),
        "a number deep down": (
            lambda x: x * config["layers"][0]["k"],
            lambda: config["layers"][0].update(k=3.0),
        ),
        "a number in a list": (lambda x: x * sizes[1], lambda: sizes.__setitem__(1, 3.0)),
        "the length of a list": (lambda x: x * len(sizes), lambda: sizes.append(1)),
        "the length of a queue": (lambda x: x * len(queue), lambda: queue.append(1)),
        "a count": (lambda x: x * counted["a"], lambda: counted.update(a=3)),
        "a key": (lambda x: x * 2 if "relu" in named else x, lambda: named.update(relu=1)),
        "a member": (lambda x: x * 2 if "relu" in members else x, lambda: members.add("relu")),
        "the order of a dict": (lambda x: x * next(iter(first.values())), reordered),
        "a tuple with names": (lambda x: x * attributes.pair.a, setting(attributes, "pair", Pair(3.0, 1.0))),
        "a view of a dict": (lambda x: x * shown["k"], lambda: inside.update(k=3.0)),
        "a dict behind another": (lambda x: x * chained["k"], lambda: inside.update(k=3.0)),
        "a dict before another": (lambda x: x * chained["k"], lambda: chained.update(k=3.0)),
        "a dict of the user's": (lambda x: x * user["k"], lambda: user.update(k=3.0)),
        "a list as an index": (lambda x: x[:, [*sizes[:1]]], lambda: sizes.__setitem__(0, 2)),
        "a keyword of a partial": (functools.partial(lambda x, k: x * k["k"], k=inside), lambda: inside.update(k=3.0)),
    }


def of_attributes():
    """Attributes and variables, and what changes them."""
    t, thing, module, k, nothing = (
        tensor(1.0, 2.0, 3.0),
        Thing(k=2.0, none=None, on=True, how="a"),
        ModuleType("a"),
        2.0,
        None,
    )
    thing.colour, thing.part, thing._hidden = Colour.RED, slice(0, 2), 2.0
    thing.settings, thing.worker, thing.range, thing.scalar = Settings(), Thing(), range(2), np.float64(2.0)
    thing.array, thing.large = np.array([2.0, 1.0]), np.full(2000, 2.0)
    slotted, filled, space = Slotted(), Slotted(), SimpleNamespace(k=2.0)
    filled.k, module.k, module.ps, Thing.factor, Thing.shared = 2.0, 2.0, [], 2.0, []
    globals()["factor"] = 2.0

    def enclosed(x):
        return x * k if nothing is None else x * nothing

    def enclose(number, something):
        nonlocal k, nothing
        k, nothing = number, something

    def worked(x):
        return x * worked.k

    worked.k = 2.0
    return {
        "None": (lambda x: x if thing.none is None else x * thing.none, setting(thing, "none", t)),
        "a number": (lambda x: x * thing.k, setting(thing, "k", 3.0)),
        "a flag": (lambda x: x * 2 if thing.on else x, setting(thing, "on", False)),
        "a string": (lambda x: x * 2 if thing.how == "a" else x, setting(thing, "how", "b")),
        "an enumeration": (lambda x: x * 2 if thing.colour is Colour.RED else x, setting(thing, "colour", Colour.BLUE)),
        "a slice": (lambda x: x[thing.part], setting(thing, "part", slice(1, 3))),
        "a range": (lambda x: sum((x * i for i in thing.range), x), setting(thing, "range", range(3))),
        "a scalar of NumPy": (lambda x: x * thing.scalar, setting(thing, "scalar", np.float64(3.0))),
        "a dataclass": (lambda x: x * thing.settings.k, setting(thing, "settings", Settings(3.0))),
        "a field of a dataclass": (lambda x: x * thing.settings.k, setting(thing.settings, "k", 3.0)),
        "a namespace": (lambda x: x * space.k, setting(space, "k", 3.0)),
        "a slot": (lambda x: x * filled.k, setting(filled, "k", 3.0)),
        "a slot that was empty": (lambda x: x * slotted.k if hasattr(slotted, "k") else x, setting(slotted, "k", 3.0)),
        "an attribute that was not there": (lambda x: x * getattr(thing, "more", 1.0), setting(thing, "more", 3.0)),
        "behind a property": (lambda x: x * thing.hidden, setting(thing, "_hidden", 3.0)),
        "of an object that is called": (thing, setting(thing, "k", 3.0)),
        "of a class": (lambda x: x * thing.factor, setting(Thing, "factor", 3.0)),
        "a list of a class": (lambda x: total(thing.shared, x), lambda: Thing.shared.append(t)),
        "before that of a class": (lambda x: x * thing.factor, setting(thing, "factor", 3.0)),
        "another object": (lambda x: thing.worker.work(x) * 2, setting(thing, "worker", Other())),
        "another class": (lambda x: thing.worker.work(x) * 2, setting(thing.worker, "__class__", Other)),
        "what it is": (lambda x: x * 2 if isinstance(thing.worker, Other) else x, setting(thing, "worker", Other())),
        "a method of one object": (lambda x: thing.work(x) * 2, setting(thing, "work", lambda x: x * 5)),
        "a global number": (lambda x: x * factor, lambda: globals().update(factor=3.0)),
        "a number of a function around": (enclosed, lambda: enclose(3.0, None)),
        "None of a function around": (enclosed, lambda: enclose(2.0, t)),
        "of a function": (worked, setting(worked, "k", 3.0)),
        "of a module": (lambda x: x * module.k, setting(module, "k", 3.0)),
        "a list of a module": (lambda x: total(module.ps, x), lambda: module.ps.append(t)),
        "a number of an array": (lambda x: x * float(thing.array[0]), lambda: thing.array.__setitem__(0, 3.0)),
        "another array": (lambda x: x * float(thing.array[0]), setting(thing, "array", np.array([3.0, 1.0]))),
        "the length of an array": (lambda x: x * len(thing.array), setting(thing, "array", np.ones(3))),
        "a constant array": (
            lambda x: x[:, :2] * mg.constant(thing.array), lambda: thing.array.__setitem__(0, 3.0)
        ),
        "another large array": (lambda x: x * float(thing.large[0]), setting(thing, "large", np.full(2000, 3.0))),
    }  # fmt: skip


class Net(nn.Module):
    """A layer with all that may be empty."""

    extra = ()

    def __init__(self):
        super().__init__()
        self.first, self.layers, self.scales = nn.Linear(3, 3), nn.ModuleList(), nn.ParameterList()
        self.named, self.plain, self.settings, self.last, self.k = nn.ModuleDict(), [], {"k": 1.0}, None, 2.0
        self.table = np.array([2.0, 1.0])

    def forward(self, x):
        y = self.first(x) * self.settings["k"] * float(self.table[0])
        for layer in (*self.layers, *self.named.values()):
            y = layer(y)
        for t in (*self.scales, *self.plain):
            y = y * t
        return y if self.last is None else self.last(y)


def of_modules():
    """What is in a module, and what changes that."""
    mg.random.manual_seed(0)
    net = Net()
    return {
        "a list of layers": (net, lambda: net.layers.append(nn.Tanh())),
        "a list of parameters": (net, lambda: net.scales.append(nn.Parameter(np.full(3, 2.0)))),
        "a dict of layers": (net, lambda: net.named.update({"a": nn.Tanh()})),
        "a plain list": (net, lambda: net.plain.append(tensor(1.0, 2.0, 3.0))),
        "a plain list of numbers": (net, lambda: net.plain.append(3.0)),
        "a dict": (net, lambda: net.settings.update(k=3.0)),
        "no layer": (net, setting(net, "last", nn.Tanh())),
        "an array": (net, lambda: net.table.__setitem__(0, 3.0)),
        "a number that others read": (lambda x: net(x) * net.k, setting(net, "k", 3.0)),
        "a number that was not there": (lambda x: net(x) * getattr(net, "more", 1.0), setting(net, "more", 3.0)),
    }


CHANGES = {
    f"{make.__name__.removeprefix('of_')}: {name}": (make, name)
    for make in (of_containers, of_attributes, of_modules)
    for name in make()
}


def course(make, name, wrap):
    """What a step gives in six calls, between which what it reads is changed; and the step."""
    step, change = make()[name]
    step = wrap(step)
    results = []
    for i in range(6):
        if i == 3:
            change()
        results.append(step(mg.Tensor(X + i)).data.tobytes())
    return results, step


@together
@pytest.mark.parametrize("name", CHANGES)
def test_what_a_step_reads_around_it_may_be_another_between_calls(name):
    make, name = CHANGES[name]
    wanted, _ = course(make, name, lambda f: f)
    found, compiled = course(make, name, mg.compile)
    assert found == wanted
    assert len(set(wanted)) == 6
    assert compiled.cache_info().misses <= 3  # two, and one more where the first call itself fills something


@pytest.mark.parametrize("name", ["an attribute", "an item", "a variable", "of a module", "a container"])
def test_a_first_time_is_over_when_the_step_says_so(name):
    """As in a layer that takes its bias from the first batch."""

    def make():
        thing, items, filled, done, b = Thing(ready=False), {"ready": False}, [], False, tensor(0.0, 0.0, 0.0)

        class Normed(nn.Module):
            def __init__(self):
                super().__init__()
                self.ready = False

            def forward(self, x):
                first, self.ready = not self.ready, True
                return start(x, first=first)

        def start(x, *, first):
            if first:
                with mg.no_grad():
                    b.copy_(x.mean(axis=0))
            return x - b

        def by_attribute(x):
            first, thing.ready = not thing.ready, True
            return start(x, first=first)

        def by_item(x):
            first, items["ready"] = not items["ready"], True
            return start(x, first=first)

        def by_variable(x):
            nonlocal done
            first, done = not done, True
            return start(x, first=first)

        def by_container(x):
            first = not filled
            if first:
                filled.append("ready")
            return start(x, first=first)

        steps = {
            "an attribute": by_attribute,
            "an item": by_item,
            "a variable": by_variable,
            "a container": by_container,
        }
        return steps[name] if name in steps else Normed()

    eager, compiled = make(), mg.compile(make())
    for i in range(5):
        assert np.array_equal(eager(mg.Tensor(X * i)).data, compiled(X * i).data)
    assert compiled.cache_info().misses == 2


def test_a_count_that_a_step_keeps_is_no_condition():
    thing, seen = Thing(count=0), []

    def step(x):
        thing.count += 1
        seen.append(1)
        return x * 2

    compiled = mg.compile(step)
    for i in range(8):
        assert np.array_equal(compiled(X[: 4 - i % 2]).data, X[: 4 - i % 2] * 2)
    assert compiled.cache_info().misses == 4  # two for each kind of call
    assert thing.count == len(seen) == 4


def test_what_a_step_does_not_read_may_change():
    class Trainer:
        def __init__(self):
            self.net, self.step, self.losses, self.epoch = nn.Linear(3, 2), 0, [], 0
            self.optimizer = optim.SGD(self.net.parameters(), lr=0.1)
            self.compiled = mg.compile(self.train)

        def train(self, x):
            self.optimizer.zero_grad()
            loss = self.net(x).square().mean()
            loss.backward()
            self.optimizer.step()
            return loss

    trainer = Trainer()
    for i in range(6):
        trainer.step, trainer.epoch = i, i // 2
        trainer.losses.append(trainer.compiled(X).item())
    assert trainer.compiled.cache_info().misses == 1


def test_equal_values_are_no_others():
    thing, config = Thing(k=(0.5, "a"), array=np.array([1.0, 2.0])), {"k": 0.5}
    f = mg.compile(lambda x: x * thing.k[0] * config["k"] * float(thing.array[1]))
    for i in range(5):
        assert np.array_equal(f(X * i).data, X * i * 0.5 * 0.5 * 2.0)
        thing.k, thing.array = (float("0.5"), "".join("a")), np.array([1.0, 2.0])
        config["k"] = float("0.5")
    assert f.cache_info().misses == 1


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0.0, -0.0)])
def test_numbers_that_are_equal_may_be_others(before, after):
    thing = Thing(k=before)
    f = mg.compile(lambda x: x * {bool: 2.0, int: 3.0, float: 4.0}[type(thing.k)] * math.copysign(1.0, thing.k))
    f(X)
    thing.k = after
    assert np.array_equal(f(X).data, f.function(mg.Tensor(X)).data)
    assert f.cache_info().misses == 2


def test_whether_a_parameter_has_a_gradient_may_be_another_matter_between_calls():
    a, b = tensor(1.0, 2.0, 3.0), tensor(1.0, 1.0, 1.0)
    f = mg.compile(lambda x: x * a if b.grad is None else x * b.grad)
    for g in (None, None, 4.0, 5.0, None):
        b.grad = None if g is None else mg.Tensor(np.full(3, g))
        assert np.array_equal(f(X).data, X * (a.data if g is None else g))


def test_gradients_that_others_leave_count_where_a_step_clips():
    def course(wrap):
        mg.random.manual_seed(0)
        trunk, head, other = nn.Linear(3, 3), nn.Linear(3, 2), nn.Linear(3, 2)
        parameters = [*trunk.parameters(), *head.parameters(), *other.parameters()]
        optimizer = optim.SGD([*trunk.parameters(), *head.parameters()], lr=0.1)

        def train(x):
            optimizer.zero_grad()
            head(trunk(x)).square().mean().backward()
            norm = nn.utils.clip_grad_norm_(parameters, 0.1)
            optimizer.step()
            return norm

        train = wrap(train)
        norms = []
        for i in range(6):
            if i == 3:
                other(mg.Tensor(X)).sum().backward()
            norms.append(train(mg.Tensor(X)).item())
        return norms

    assert course(lambda f: f) == course(mg.compile)


def test_the_default_dtype_may_be_another_between_calls():
    before = mg.get_default_dtype()
    f = mg.compile(lambda x: x + mg.ones(3))
    try:
        for dtype in ("float64", "float32", "float32", "float64"):
            mg.set_default_dtype(dtype)
            assert f(X.astype("float32")).dtype == dtype
    finally:
        mg.set_default_dtype(before)
    assert f.cache_info().misses == 2


def test_more_than_a_thousand_numbers_are_data():
    """Of which a step sees only how many there are."""
    words = {f"word {i}": i for i in range(2000)}
    f = mg.compile(lambda x: x * len(words))
    for i in range(4):
        if i == 2:
            words["one more"] = 0
        assert np.array_equal(f(X).data, X * len(words))
    assert len(f.last.guards()) < 10
    assert f.cache_info().misses == 2


@pytest.mark.parametrize("make", [lambda: np.random.default_rng(0), lambda: np.random.RandomState(0)])
def test_a_draw_from_a_generator_of_the_users_is_told(make):
    thing = Thing(generator=make())
    f = mg.compile(lambda x: x * float(thing.generator.uniform()))
    with pytest.warns(RuntimeWarning, match="or from one that the step knows"):
        f(X)


def test_a_program_draws_from_a_generator_of_the_users():
    thing, twin = Thing(generator=np.random.default_rng(0)), np.random.default_rng(0)
    f = mg.compile(lambda x: x * mg.random.normal(size=(3,), generator=thing.generator))
    for _ in range(3):
        assert np.array_equal(f(X).data, X * twin.normal(size=3))


def test_an_iterator_is_another_one_between_calls():
    thing = Thing(numbers=itertools.count(1))
    f = mg.compile(lambda x: x * next(thing.numbers))
    assert np.array_equal(f(X).data, X)
    thing.numbers = itertools.count(5)
    assert np.array_equal(f(X).data, X * 5)


def test_a_result_that_an_earlier_call_has_kept_is_no_hindrance():
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    kept = []

    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        kept.append(loss)
        return loss

    compiled = mg.compile(step)
    shown = [compiled(X).item() for _ in range(4)]
    assert [loss.item() for loss in kept] == shown[: len(kept)]
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize(
    "extra", [mg.nn.Parameter(np.ones(2)), 3.0, mg.nn.Tanh()], ids=["parameter", "number", "module"]
)
def test_an_attribute_that_was_deleted_is_missed(extra):
    class Net(mg.nn.Module):
        def __init__(self):
            self.linear, self.extra = mg.nn.Linear(2, 2), extra

        def forward(self, x):
            return self.linear(x) * 2 if hasattr(self, "extra") else self.linear(x)

    net, x = Net(), np.ones((1, 2))
    f = mg.compile(net)
    for _ in range(2):
        assert np.array_equal(f(x).data, net(mg.Tensor(x)).data)
    del net.extra
    assert np.array_equal(f(x).data, net(mg.Tensor(x)).data)
