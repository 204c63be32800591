"""What goes into a compiled function and comes out of it may be nested in all that Python nests things in."""

from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import nn

F = nn.functional


@dataclass
class Output:
    """A result as transformers give it."""

    logits: Any
    loss: Any = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A result that nobody can change."""

    logits: Any
    more: Any = ()


class Pair(NamedTuple):
    """A tuple with names."""

    left: Any
    right: Any


class Items(list):
    """A kind of list."""


class Nothing(NamedTuple):
    """A tuple of no names."""


RESULTS = {
    "()": lambda x: (),
    "[]": lambda x: [],
    "{}": lambda x: {},
    "nothing by name": lambda x: Nothing(),
    "nothing in nothing": lambda x: ((), [], {}, [()], {"a": {}}),
    "nothing beside something": lambda x: ((), x * 2, [], {"a": (), "b": x + 1}),
    "no rows": lambda x: mg.unstack(x[:0]),
    "None": lambda x: None,
    "Python's own": lambda x: (None, 3, -0.0, "a", b"b", True, slice(1), x.shape, x.dtype, np.float32(2)),
    "one": lambda x: (x * 2,),
    "twice": lambda x: [y := x * 2, y, (y,)],
    "a dict": lambda x: {"loss": x.sum(), "class": None, 1: x * 2, (2, 3): x * 3},
    "names": lambda x: Pair(x * 2, Pair((), x + 1)),
    "a dataclass": lambda x: Output(x * 2, [x.sum()]),
    "a frozen dataclass": lambda x: Frozen({"a": x * 2}),
    "a namespace": lambda x: SimpleNamespace(a=x * 2, b=SimpleNamespace(c=x * 3)),
    "kinds of dicts": lambda x: (OrderedDict(b=x * 2, a=x * 3), defaultdict(list, a=[x * 4])),
    "kinds of lists": lambda x: (Items([x * 2]), deque([x * 3], maxlen=3)),
}


@together
@pytest.mark.parametrize("name", RESULTS)
def test_results_are_made_anew_in_whatever_they_are_nested(name, rng):
    compiled = mg.compile(RESULTS[name])
    results = []
    for _ in range(4):
        x = rng.standard_normal((2, 3))
        results.append((compiled(x), RESULTS[name](mg.Tensor(x))))
    assert compiled.cache_info()[:2] == (3, 1)
    for found, wanted in results:  # none has changed since
        assert type(found) is type(wanted)
        assert repr(found) == repr(wanted)
    assert not isinstance(found, (list, dict)) or found is not results[-2][0]


def test_gradients_come_back_through_a_dataclass():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    compiled = mg.compile(lambda x: Output(x * w, Frozen((w * w).sum())))
    for i in range(3):
        w.grad = None
        found = compiled(np.full(2, float(i)))
        (found.logits.sum() + found.loss.logits).backward()
        assert w.grad.tolist() == [i + 2, i + 4]


def test_a_backward_pass_from_several_results_runs_the_compiled_one_once(rng):
    w = mg.Tensor(rng.standard_normal((3, 3)), requires_grad=True)

    def step(x):
        y = mg.tanh(x @ w)
        return y * y, y.sum(), mg.exp(y)

    compiled = mg.compile(step)
    compiled(mg.Tensor(np.ones((2, 3))))
    runs = []
    entry = compiled.last.reverse.entry
    once, entry.call = entry.call, lambda *arrays: runs.append(0) or once(*arrays)
    for chosen in ((0, 1, 2), (2, 0), (1,), (0, 0)):
        x = rng.standard_normal((2, 3))
        gradients = []
        for f in (compiled, step):
            w.grad = None
            results = f(mg.Tensor(x))
            total = sum((results[i] * (i + 2)).sum() for i in chosen)
            total.backward(retain_graph=True)
            total.backward()
            gradients.append(w.grad.data.tobytes())
        assert gradients[0] == gradients[1]
    assert len(runs) == 8


@together
@pytest.mark.native
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y,
        lambda x, y: x.T,
        lambda x, y: x.clone(),
        lambda x, y: x.floor(),
        lambda x, y: (x.round() * y, y.sign()),
        lambda x, y: (x + y, x[:1].floor()),
    ],
)
def test_a_gradient_may_arrive_as_it_came_or_end_on_the_way(function):
    compiled = mg.compile(function)
    for i in range(3):
        outcomes = []
        for f in (function, compiled):
            x, y = (mg.Tensor([1.5, k, -0.0], requires_grad=True) for k in (i, 2.0))
            found = f(x, y)
            gradient = np.array([3.0, -0.0, 5.0])
            for z in found if isinstance(found, tuple) else (found,):
                z.backward(gradient[: len(z)], retain_graph=True)
            outcomes.append([t.grad is not None and t.grad.data.tobytes() for t in (x, y)])
            assert not any(np.shares_memory(t.grad.data, gradient) for t in (x, y) if t.grad is not None)
        assert outcomes[0] == outcomes[1]


@pytest.mark.native
def test_what_the_results_in_use_do_not_depend_on_gets_no_gradient():
    def training(wrap):
        mg.manual_seed(0)
        trunk, actor, critic = (mg.nn.Linear(3, 3) for _ in range(3))
        every = [*trunk.parameters(), *actor.parameters(), *critic.parameters()]
        optimizer, rng = mg.optim.Adam(every, lr=0.1), np.random.default_rng(0)

        @wrap
        def heads(x):
            h = trunk(x).tanh()
            return actor(h).exp(), critic(x), trunk.weight.detach() * 2

        for which in ([0], [1], [0, 1], [1, 0], [1]):
            optimizer.zero_grad()
            results = heads(mg.Tensor(rng.standard_normal((2, 3))))
            sum(results[i].sum() for i in which).backward()
            yield [p.grad is not None and p.grad.data.tobytes() for p in every]
            optimizer.step()
            yield [p.data.tobytes() for p in every]

    assert list(training(mg.compile)) == list(training(lambda f: f))


@pytest.mark.native
def test_a_result_may_be_differentiated_after_what_others_depend_on_has_changed():
    v, w = (mg.Tensor([2.0, 3.0], requires_grad=True) for _ in range(2))
    both = mg.compile(lambda x: (x * v, x * w))
    for i in range(3):
        first, second = both(np.array([1.0, i]))
        v.grad = w.grad = None
        first.sum().backward()
        with mg.no_grad():
            v -= v.grad
        second.sum().backward()
        assert w.grad.tolist() == v.grad.tolist() == [1, i]
        first, _ = both(np.array([1.0, i]))
        with mg.no_grad():
            v -= v.grad
        with pytest.raises(RuntimeError, match="was changed in place"):
            first.sum().backward()


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (lambda x: iter([x * 2]), "list_iterator"),
        (lambda x: (y * 2 for y in [x]), "generator"),
        (lambda x: {"a": x * 2}.values(), "dict_values"),
        (lambda x: (lambda y: lambda: y)(x * 2), "function"),  # noqa: PLC3002
        (lambda x: type("Holder", (), {"__init__": lambda self: setattr(self, "y", x * 2)})(), "Holder"),
    ],
)
def test_a_result_that_hides_a_tensor_is_refused(made, kind):
    with pytest.raises(mg.CompileError, match=f"returns a {kind} with tensors in it.* in a tuple, list, dict"):
        mg.compile(made)(np.ones(2))


@pytest.mark.parametrize("kind", [Output, Frozen, Pair, lambda a, b: SimpleNamespace(a=a, b=b),
                                  lambda a, b: OrderedDict(a=a, b=b), lambda *both: deque(both)])  # fmt: skip
def test_arguments_are_taken_in_whatever_they_are_nested(kind, rng):
    def total(batch):
        x, y = (
            batch if isinstance(batch, (tuple, deque)) else batch.values() if isinstance(batch, dict)
            else (getattr(batch, name) for name in getattr(batch, "__slots__", None) or vars(batch))
        )  # fmt: skip
        return x * 2 + y["b"]

    compiled = mg.compile(total)
    for _ in range(4):
        x, y = rng.standard_normal((2, 3))
        assert compiled(kind(x, {"b": y})).tolist() == (x * 2 + y).tolist()
    assert compiled.cache_info()[:2] == (3, 1)


class Batch:
    """An object that a step is given."""

    def __init__(self, x):
        self.x, self.act = mg.Tensor(x), F.tanh


@pytest.mark.parametrize(
    ("function", "given", "change"),
    [
        (lambda batch, x: batch.x * x, Batch([1.0, 2.0]), lambda batch: setattr(batch, "x", mg.Tensor([3.0, 4.0]))),
        (lambda batch, x: batch.act(x), Batch([1.0, 2.0]), lambda batch: setattr(batch, "act", F.relu)),
        (lambda net, x: net(x), nn.Sequential(nn.Tanh()), lambda net: net.__setitem__(0, nn.ReLU())),
        (lambda nets, x: nets[0](x), [nn.Sequential(nn.Tanh())], lambda nets: nets[0].__setitem__(0, nn.ReLU())),
    ],
)
def test_what_is_in_an_argument_may_be_another_between_calls(function, given, change):
    compiled = mg.compile(function)
    x = np.array([-1.0, 2.0])
    for _ in range(3):
        compiled(given, x)
    assert compiled.cache_info()[:2] == (2, 1)
    change(given)
    for _ in range(2):
        assert compiled(given, x).tolist() == function(given, mg.Tensor(x)).tolist()
    assert compiled.cache_info()[:2] == (3, 2)


def losses(net):
    """Functions of a list of numbers, which eager takes as it takes an array."""
    return {
        "a network": net,
        "a product": lambda x: mg.constant([2.0, 3.0]) * x,
        "a tensor": lambda x: mg.Tensor(x) * 2,
        "a tensor of a type": lambda x: mg.Tensor(x, dtype="float32") * 2,
        "two tensors": lambda x: mg.stack([mg.Tensor(x), mg.Tensor(x) * 3]),
        "a loss": lambda x: F.mse_loss(net(x)[:, :2], x),
        "how many": lambda x: net(x) / len(x),
    }


@together
@pytest.mark.parametrize("name", losses(None))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_list_of_numbers_is_an_array_that_may_be_another_in_each_call(name, dtype):
    before = mg.get_default_dtype()
    mg.set_default_dtype(dtype)
    try:
        function = losses(nn.Linear(2, 3))[name]
        compiled = mg.compile(function)
        for i in range(4):
            x = [[1.0 + i, -2.0], [0.5, 3.0 * i]]
            found, wanted = compiled(x), function(x)
            assert (found.dtype, found.data.tobytes()) == (wanted.dtype, wanted.data.tobytes())
        assert compiled.cache_info()[:2] == (3, 1)
    finally:
        mg.set_default_dtype(before)


def test_labels_may_come_as_a_list(rng):
    compiled = mg.compile(F.cross_entropy)
    for labels in ([0, 2], [1, 1], [2, 0]):
        z = rng.standard_normal((2, 3))
        assert compiled(z, labels).item() == F.cross_entropy(z, labels).item()
    with pytest.raises(IndexError, match="target 3 is out of bounds"):
        compiled(z, [0, 3])
    assert compiled.cache_info()[:2] == (2, 1)


def test_each_array_of_a_list_is_one_of_its_own():
    def step(x):
        a, b = mg.Tensor(x), mg.Tensor(x)
        a += 1
        return a, b

    compiled = mg.compile(step)
    for i in range(3):
        x = [float(i), 2.0]
        assert [z.tolist() for z in compiled(x)] == [[i + 1, 3], [i, 2]]
        assert x == [i, 2]


LOOKS = {
    "an element": lambda x, k: x * k[0],
    "all": lambda x, k: x * sum(k),
    "unpacked": lambda x, k: x * max(*k),
    "a choice": lambda x, k: x * 2 if 3 in k else x,
    "equal": lambda x, k: x * 2 if k == [1, 2] else x,
    "joined": lambda x, k: x * len([0] + [y for y in [0] + k if y > 2]),  # noqa: RUF005  a sum, too, is told of
    "axes": lambda x, k: x.sum(axis=tuple(i - 1 for i in k if i < 3)),
    "a shape": lambda x, k: mg.broadcast_to(x[None], (k[0], 2, 3)),
    "both": lambda x, k: x * k[0] + mg.Tensor(k).sum(),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_list_at_which_python_looks_is_told_apart_by_its_numbers(name, rng):
    compiled = mg.compile(LOOKS[name])
    for k in ([1, 2], [1, 3], [2, 3], [1, 3], [1, 2]):
        x = rng.standard_normal((2, 3))
        assert compiled(x, list(k)).tolist() == LOOKS[name](mg.Tensor(x), k).tolist()
    assert compiled.cache_info()[:2] == (2, 3)


def test_a_tuple_of_numbers_is_told_apart_by_them_and_may_become_an_array(rng):
    def step(x, k):
        return mg.Tensor(k) * x, x * k, x.reshape(k), k

    compiled = mg.compile(step)
    for k in ((2, 3), (3, 2), (2, 3)):
        x = rng.standard_normal((6, 1))
        found, wanted = compiled(x, k), step(mg.Tensor(x), k)
        assert [np.asarray(z).tolist() for z in found] == [np.asarray(z).tolist() for z in wanted]
    assert compiled.cache_info()[:2] == (1, 2)


def test_what_only_has_the_fields_of_a_named_tuple_is_an_object_like_any_other():
    class Columns:
        _fields = ("rate",)
        rate = 2.0

    columns = Columns()
    step = mg.compile(lambda x, columns: x * columns.rate)
    for _ in range(2):
        assert step(np.ones(1), columns).item() == 2
