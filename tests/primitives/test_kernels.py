"""Kernels are pure: inputs stay as they are, and what lay in a destination before does not matter."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import every_primitive, samples

from micrograd_np.check.claims import destination_does_not_matter, inputs_stay_as_they_are
from micrograd_np.check.samples import usual_samples


@every_primitive
def test_inputs_stay_as_they_are(op):
    for sample in usual_samples(op):
        inputs_stay_as_they_are(sample)


@every_primitive
@given(data=st.data())
def test_inputs_stay_as_they_are_whatever_the_shapes(op, data):
    inputs_stay_as_they_are(data.draw(samples(op)))


@every_primitive
def test_a_destination_does_not_matter(op):
    for sample in usual_samples(op):
        destination_does_not_matter(sample)


@every_primitive
@given(data=st.data())
def test_a_destination_does_not_matter_whatever_the_shapes(op, data):
    destination_does_not_matter(data.draw(samples(op)))
