"""float32 stays float32: in the result, and in every rule."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import every_primitive, samples

from micrograd_np.check.claims import dtype_is_kept
from micrograd_np.check.samples import usual_samples


@every_primitive
def test_float32_stays_float32(op):
    for sample in usual_samples(op):
        dtype_is_kept(sample)


@every_primitive
@given(data=st.data())
def test_float32_stays_float32_whatever_the_shapes(op, data):
    dtype_is_kept(data.draw(samples(op)))
