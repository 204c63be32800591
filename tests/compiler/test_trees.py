"""What goes into a compiled function and comes out of it may be nested in all that Python nests things in."""

from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

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
