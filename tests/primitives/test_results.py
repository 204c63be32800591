"""What an application gives: an array for arrays, a Tensor for Tensors, of the shape that the contract says."""

from strategies import every_primitive
from together import together

from micrograd_np.check.claims import contract_holds, gives_arrays
from micrograd_np.check.samples import samples_for


@together
@every_primitive
def test_the_shape_contract_holds(op):
    for sample in samples_for(op):
        contract_holds(sample)


@together
@every_primitive
def test_arrays_give_arrays_and_tensors_tensors(op):
    for sample in samples_for(op):
        gives_arrays(sample)
