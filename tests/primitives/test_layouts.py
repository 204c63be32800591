"""Where the elements lie in memory makes no difference."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import every_primitive, samples

from micrograd_np.check.claims import layout_does_not_matter
from micrograd_np.check.samples import samples_for


@every_primitive
def test_memory_layout_does_not_matter(op):
    for sample in samples_for(op):
        layout_does_not_matter(sample)


@every_primitive
@given(data=st.data())
def test_memory_layout_does_not_matter_whatever_the_shapes(op, data):
    layout_does_not_matter(data.draw(samples(op)))
