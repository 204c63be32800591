"""Steps that a pass must leave as they are: compiled, they give eager's bits, or in the fast mode its numbers.

Each test names the condition that holds the pass back. Without it the program computes something else, or in two cases
as much in more time; there the test reads the program.
"""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import optim


def agree(function, *shapes, dtype=np.float64):
    """The program of ``function(*arrays)``, which without gradients gives what eager gives, bit for bit."""
    compiled = mg.compile(function)
    draw = np.random.default_rng(6)
    with mg.no_grad():
        for _ in range(3):
            arrays = [draw.uniform(-2, 2, shape).astype(dtype) for shape in shapes]
            found, wanted = compiled(*arrays), function(*map(mg.Tensor, arrays))
            assert found.data.tobytes() == wanted.data.tobytes()
    assert compiled.cache_info().hits == 2
    return compiled.source


# writes between two reads


def test_a_negation_stays_where_what_it_negates_is_written_to():
    def step(x, w):
        h = x * 2
        y = -h
        h += 1
        return w + y + h * 0

    assert "negative(" in agree(step, (3,), (3,))


def test_the_sign_of_an_exponent_stays_where_a_term_is_written_to():
    def step(x, b):
        h = x * 2
        total = h + b
        h += 1
        return (-total).exp() + h

    agree(step, (4, 3), (3,))


def test_an_array_is_padded_again_where_it_was_written_to():
    def step(x, w):
        h = x * 2
        before = mg.functional.conv1d(h, w, padding=1)
        h += 1
        return before * 3 + mg.functional.conv1d(h, w, padding=1)

    agree(step, (2, 3, 5), (4, 3, 3))


# other values in the same memory


def test_equal_convolutions_are_equal_where_views_fill_them():
    def step(x):
        first = mg.functional.conv1d(x[None], x[..., None], padding=1)
        return first - mg.functional.conv1d(x[None], x[..., None], padding=1) + 1

    agree(step, (3, 3))
