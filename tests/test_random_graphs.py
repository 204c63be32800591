"""Whole graphs: random expressions whose values are used again and again."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, given, settings
from strategies import expressions, leaves_of

import micrograd_np as mg

many = settings(max_examples=5 * settings().max_examples)  # one claim about whole graphs, not one for each op
NOTHING = 1e-8  # values are of order one, but a derivative may be 0 but for rounding: sum(softmax(x))


def gradients(expression, order=None):
    leaves = leaves_of(expression)
    z = expression(*leaves, order=order)
    assume(z.requires_grad)
    z.backward()
    return [np.zeros(x.shape) if x.grad is None else x.grad.data for x in leaves]


@many
@given(expressions())
def test_the_gradient_of_a_random_expression_agrees_with_central_differences(expression):
    assert mg.gradcheck(expression, *expression.leaves, atol=NOTHING)


@many
@given(expressions())
def test_the_gradient_of_a_random_expression_agrees_with_forward_differences(expression):
    found = mg.numeric_gradient(expression, *expression.leaves, method="forward", step=1e-4)
    backward = mg.numeric_gradient(expression, *expression.leaves, method="forward", step=-1e-4)
    found, backward = (x if isinstance(x, tuple) else (x,) for x in (found, backward))
    for g, right, left in zip(gradients(expression), found, backward, strict=True):
        # a forward difference is off by half of what separates it from the backward one
        np.testing.assert_array_less(np.abs(right - g), np.abs(right - left) + 1e-6)


@many
@given(expressions(max_steps=6))
def test_the_second_derivative_of_a_random_expression_agrees_with_central_differences(expression):
    assert mg.gradgradcheck(expression, *expression.leaves, rtol=1e-4, atol=NOTHING)


@many
@given(st.data(), expressions())
def test_the_gradient_does_not_depend_on_the_order_siblings_were_built_in(data, expression):
    order = data.draw(expression.orders())
    for one, other in zip(gradients(expression), gradients(expression, order), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)  # sums in another order


@many
@given(expressions())
def test_the_gradient_is_the_same_bits_every_time(expression):
    for one, other in zip(gradients(expression), gradients(expression), strict=True):
        np.testing.assert_array_equal(other, one)


@many
@given(expressions())
def test_the_gradient_is_the_same_bits_whether_it_is_recorded_or_not(expression):
    leaves = leaves_of(expression)
    z = expression(*leaves)
    z.backward(create_graph=True)
    for one, leaf in zip(gradients(expression), leaves, strict=True):
        np.testing.assert_array_equal(0 if leaf.grad is None else leaf.grad.data, one)


@many
@given(expressions())
def test_two_passes_give_twice_the_gradient(expression):
    leaves = leaves_of(expression)
    z = expression(*leaves)
    z.backward(retain_graph=True)
    z.backward()
    for one, leaf in zip(gradients(expression), leaves, strict=True):
        np.testing.assert_array_equal(0 if leaf.grad is None else leaf.grad.data, 2 * one)
