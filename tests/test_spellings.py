"""What PyTorch and NumPy call otherwise is answered with what to write here, and every such answer is right."""

import importlib
import re
from functools import reduce

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.core import spellings


def named(hint):
    """What a hint names, in the package and in NumPy."""
    roots = {"mg": mg, "np": np, "nn": mg.nn, "t": mg.Tensor([1.0])}
    for root, path in re.findall(r"\b(mg|np|nn|t)((?:\.\w+)+)", hint):
        yield reduce(getattr, path[1:].split("."), roots[root])


@pytest.mark.parametrize("name", spellings._METHODS)
def test_a_tensor_says_what_to_write_for_a_method_of_pytorchs(name):
    t = mg.Tensor([1.0])
    assert not hasattr(t, name)
    assert name not in dir(t)
    assert getattr(t, name, 3) == 3
    hint = spellings._METHODS[name]
    with pytest.raises(AttributeError, match=re.escape(f"Tensor has no '{name}'. Write {hint}.")):
        getattr(t, name)
    list(named(hint))


@pytest.mark.parametrize("name", [n for n in spellings._FUNCTIONS if n != "tensor"] + spellings._ARRAYS.split())
def test_the_package_says_what_to_write_for_a_function(name):
    assert not hasattr(mg, name)
    with pytest.raises(AttributeError, match=f"micrograd_np has no '{name}'. Write ") as caught:
        getattr(mg, name)
    list(named(str(caught.value)))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Linear", "Write mg.nn.Linear."),
        ("cross_entropy", "Write mg.functional.cross_entropy."),
        ("SGD", "Write mg.optim.SGD."),
        ("StepLR", "Write mg.optim.lr_scheduler.StepLR."),
        ("DataLoader", "Write mg.data.DataLoader."),
        ("conatenate", "Did you mean concatenate?"),
        ("xyzzy", r"dir\(micrograd_np\) lists"),
    ],
)
def test_it_knows_where_things_are(name, says):
    with pytest.raises(AttributeError, match=says):
        getattr(mg, name)


def test_pytorchs_function_tensor_is_pointed_to_the_class():
    with pytest.raises(AttributeError, match=r"Write mg.Tensor\(data\)"):
        mg.tensor([1.0])
    assert importlib.import_module("micrograd_np.engine.tensor").Tensor is mg.Tensor


def test_attributes_that_are_there_are_found_as_before():
    t = mg.Tensor([1.0, 2.0])
    assert t.sum().item() == 3.0
    assert {"sum", "reshape", "data", "grad"} <= set(dir(t))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        t.nothing_like_it  # noqa: B018
