"""Every derivative rule can itself be differentiated, and rightly."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from strategies import LOOPS, PRIMITIVES, each, every_smooth_primitive, samples
from together import some, some_and_the_rest, together

from micrograd_np.check.claims import second_derivative_agrees
from micrograd_np.check.samples import samples_for


@together
@some_and_the_rest
@every_smooth_primitive
def test_the_second_derivative_agrees_with_central_differences(op, which):
    for sample in some(samples_for(op), which):
        second_derivative_agrees(sample)


@pytest.mark.thorough
@each([op for op in PRIMITIVES if op.name in LOOPS])
@given(data=st.data())
def test_the_second_derivative_of_a_long_loop_agrees_whatever_the_shapes(op, data):
    second_derivative_agrees(data.draw(samples(op)))
