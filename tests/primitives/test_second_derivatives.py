"""Every derivative rule can itself be differentiated, and rightly."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from strategies import LOOPS, PRIMITIVES, each, every_smooth_primitive, samples

from micrograd_np.check.claims import second_derivative_agrees
from micrograd_np.check.samples import samples_for


@every_smooth_primitive
def test_the_second_derivative_agrees_with_central_differences(op):
    for sample in samples_for(op):
        second_derivative_agrees(sample)


@pytest.mark.thorough
@each([op for op in PRIMITIVES if op.name in LOOPS])
@given(data=st.data())
def test_the_second_derivative_of_a_long_loop_agrees_whatever_the_shapes(op, data):
    second_derivative_agrees(data.draw(samples(op)))
