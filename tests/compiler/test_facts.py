"""Ranges that are read off a program hold for what it computes."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.compiler.passes.value_ranges import ranges
from micrograd_np.core.domains import INTEGERS, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.core.registry import registry
from micrograd_np.ops.elementwise import zero_safe_multiply
from micrograd_np.ops.routine import clear


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
        (lambda x: 1 / (x.square() - 1), -np.inf, np.inf),
        (lambda x: (x.tanh() - 2) / (abs(x) + 2), -1.5, 0),
    ],
)
def test_a_range_holds_for_every_element(function, least, most):
    compiled = mg.compile(function)
    x = mg.Tensor(np.array([-1e3, -2.0, -0.5, 0.0, 1e-9, 0.7, 3.0, 600.0]))
    with np.errstate(all="ignore"):
        z = compiled(x).data
    program = compiled.last.raw
    found = ranges(program).get(program.results, (-np.inf, np.inf))
    assert found == (least, most)
    assert ((found[0] <= z) & (z <= found[1])).all()


def test_a_mask_that_chooses_is_no_guard_that_could_be_dropped():
    @primitive("2 · {x}", domain=(REALS, INTEGERS), not_differentiable=("chosen",))
    def doubled(xp, out, x, chosen):
        return clear(xp, xp.multiply(x, 2, out=out), xp.not_equal(chosen, 0))

    del registry["doubled"]
    x, chosen = mg.Tensor([1.0, 2.0]), mg.Tensor([0, 1])
    f = mg.compile(lambda x, chosen: doubled(x, chosen) + zero_safe_multiply(x + 1, x), mode="fast")
    for _ in range(2):
        np.testing.assert_array_equal(f(x, chosen).data, [2, 4 + 6])
    assert f.last.passes["guards"] == 1
