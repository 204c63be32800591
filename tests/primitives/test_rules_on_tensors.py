"""A rule gives the same bits on arrays, where it is fast, and on Tensors, where it is recorded."""

from strategies import every_smooth_primitive
from together import together

from micrograd_np.check.claims import rules_agree_on_arrays_and_tensors
from micrograd_np.check.samples import samples_for


@together
@every_smooth_primitive
def test_rules_give_the_same_bits_on_arrays_and_tensors(op):
    for sample in samples_for(op):
        rules_agree_on_arrays_and_tensors(sample)
