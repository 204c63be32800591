"""Ranges that are read off a program hold for what it computes."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.compiler.passes.facts import ranges


@pytest.mark.parametrize(
    ("function", "least", "most"),
    [
        (lambda x: x * x + 1, 1, np.inf),
        (lambda x: (x.square() + 4).sqrt(), 2, np.inf),
        (lambda x: -(x.exp() + 3), -np.inf, -3),
        (lambda x: 1 / (abs(x) + 2), 0, 0.5),
        (lambda x: x.tanh() * 3 - 1, -4, 2),
        (lambda x: mg.minimum(mg.maximum(x, -2.0), 5.0), -2, 5),
        (lambda x: x + 1, -np.inf, np.inf),
        (lambda x: 1 / x, -np.inf, np.inf),
    ],
)
def test_a_range_holds_for_every_element(function, least, most):
    compiled = mg.compile(function)
    x = mg.Tensor(np.array([-1e3, -2.0, -0.5, 0.0, 1e-9, 0.7, 3.0, 600.0]))
    with np.errstate(all="ignore"):
        z = compiled(x).data
    program = compiled.last.raw
    found = ranges(program)[id(program.results)]
    assert found == (least, most)
    assert ((found[0] <= z) & (z <= found[1])).all()
