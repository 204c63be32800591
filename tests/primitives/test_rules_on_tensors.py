"""A rule gives the same bits on arrays, where it is fast, and on Tensors, where it is recorded."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import every_smooth_primitive, samples

from micrograd_np.check.claims import rules_agree_on_arrays_and_tensors
from micrograd_np.check.samples import samples_for


@every_smooth_primitive
def test_rules_give_the_same_bits_on_arrays_and_tensors(op):
    for sample in samples_for(op):
        rules_agree_on_arrays_and_tensors(sample)


@every_smooth_primitive
@given(data=st.data())
def test_rules_give_the_same_bits_on_arrays_and_tensors_whatever_the_shapes(op, data):
    rules_agree_on_arrays_and_tensors(data.draw(samples(op)))
