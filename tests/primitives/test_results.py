"""What an application gives: an array for arrays, a Tensor for Tensors, of the shape that the contract says."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import every_primitive, samples

from micrograd_np.check.claims import contract_holds, gives_arrays
from micrograd_np.check.samples import samples_for


@every_primitive
def test_the_shape_contract_holds(op):
    for sample in samples_for(op):
        contract_holds(sample)


@every_primitive
@given(data=st.data())
def test_the_shape_contract_holds_whatever_the_shapes(op, data):
    contract_holds(data.draw(samples(op)))


@every_primitive
def test_arrays_give_arrays_and_tensors_tensors(op):
    for sample in samples_for(op):
        gives_arrays(sample)


@every_primitive
@given(data=st.data())
def test_arrays_give_arrays_and_tensors_tensors_whatever_the_shapes(op, data):
    gives_arrays(data.draw(samples(op)))
