"""Kernels are pure: inputs stay as they are, and what lay in a destination before does not matter."""

import numpy as np
import pytest
from strategies import every_primitive
from together import together

import micrograd_np as mg
from micrograd_np.check.claims import destination_does_not_matter, inputs_stay_as_they_are
from micrograd_np.check.samples import samples_for
from micrograd_np.core.writes import clock, writes


@together
@every_primitive
def test_inputs_stay_as_they_are(op):
    for sample in samples_for(op):
        inputs_stay_as_they_are(sample)


@together
@every_primitive
def test_a_destination_does_not_matter(op):
    for sample in samples_for(op):
        destination_does_not_matter(sample)


def test_a_view_can_be_written_into_the_tensor_it_views():
    x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    memory, before = x.data, clock()
    mg.transpose.write(x, x)
    np.testing.assert_array_equal(x.data, [[1.0, 3.0], [2.0, 4.0]])
    assert x.data is memory
    assert writes.since(x.data, before)


def test_writing_what_does_not_fit_raises_and_changes_nothing():
    x = mg.Tensor([1.0, 2.0, 3.0])
    before = clock()
    with pytest.raises(ValueError, match=r"transpose: x is \(2, 2\): could not broadcast .*\(2,2\) into shape \(3,?\)"):
        mg.transpose.write(x, mg.Tensor(np.eye(2)))
    np.testing.assert_array_equal(x.data, [1.0, 2.0, 3.0])
    assert not writes.since(x.data, before)
