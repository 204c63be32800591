"""Containers behave as the lists and dicts they stand for, and name what they hold as PyTorch does."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn


def three():
    return nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1)


def test_sequential_applies_in_order():
    a, act, b = three()
    x = mg.Tensor([[2.0]])
    np.testing.assert_array_equal(nn.Sequential(a, act, b)(x).data, b(act(a(x))).data)


def test_sequential_takes_names():
    a, act, _ = three()
    net = nn.Sequential({"first": a, "act": act})
    assert list(net.state_dict()) == ["first.weight", "first.bias"]
    assert net.act is net[1] is act


def test_slices_share_modules_and_keep_names():
    net = nn.Sequential(*three())
    tail = net[1:]
    assert tail[1] is net[2]
    assert list(tail.state_dict()) == ["2.weight", "2.bias"]
    tail.append(nn.ReLU())
    assert len(tail) == 3
    assert tail[1] is net[2]


@pytest.mark.parametrize("kind", [lambda xs: nn.Sequential(*xs), nn.ModuleList])
def test_lists_are_lists(kind):
    a, act, b = three()
    xs, expected = kind([a, act]), [a, act]
    xs.append(b).extend([nn.ReLU()])
    expected += [b, xs[3]]
    xs.insert(1, late := nn.Tanh())
    expected.insert(1, late)
    assert list(xs) == expected
    assert xs.pop(-1) is expected.pop()
    del xs[0], expected[0]
    xs[0] = expected[0] = nn.Sigmoid()
    assert list(xs) == expected
    assert [name for name, _ in xs.named_children()] == ["0", "1", "2"]
    assert list(xs + [a]) == [*expected, a]  # noqa: RUF005  it is __add__ that is asked
    assert b in xs
    assert a not in xs
    with pytest.raises(IndexError, match="index 3 is outside the 3"):
        xs[3]
    with pytest.raises(TypeError, match="holds modules"):
        xs.append(3)


def test_module_dict_is_a_dict():
    d = nn.ModuleDict({"up": nn.Linear(1, 4)})
    d["act"] = nn.ReLU()
    assert list(d) == list(d.keys()) == ["up", "act"]
    assert dict(d.items())["act"] is d["act"]
    assert list(d.state_dict()) == ["up.weight", "up.bias"]
    assert d.pop("up") not in d.values()
    with pytest.raises(KeyError, match="'forward' is the name of something else"):
        d["forward"] = nn.ReLU()
    with pytest.raises(KeyError):
        d["missing"]


def test_parameter_containers():
    ps = nn.ParameterList([np.ones(2), mg.Tensor([3.0])])
    assert [p.requires_grad for p in ps] == [True, True]
    assert list(ps.state_dict()) == ["0", "1"]
    ds = nn.ParameterDict({"a": [1.0]})
    ds.update({"b": nn.Parameter([2.0])})
    assert list(ds.state_dict()) == ["a", "b"]
    assert (
        repr(ds)
        == "ParameterDict(\n  (a): Parameter of shape (1,), float64\n  (b): Parameter of shape (1,), float64\n)"
    )


@pytest.mark.parametrize("kind", [nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict])
def test_nothing_is_in_a_container_of_nothing(kind):
    assert len(kind()) == len(kind(None)) == 0
