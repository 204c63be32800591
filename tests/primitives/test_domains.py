"""On its domain, no primitive and no rule warns, overflows or makes nan."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import every_primitive, samples

from micrograd_np.check.claims import domain_is_silent
from micrograd_np.check.samples import samples_for


@every_primitive
def test_the_domain_is_silent(op):
    for sample in samples_for(op):
        domain_is_silent(sample)


@every_primitive
@given(data=st.data())
def test_the_domain_is_silent_whatever_the_shapes(op, data):
    domain_is_silent(data.draw(samples(op)))
