"""float32 stays float32: in the result, in every rule, and beside Python's numbers."""

import numpy as np
import pytest
from strategies import PRIMITIVES, each, every_primitive
from together import together

import micrograd_np as mg
from micrograd_np.check.claims import dtype_is_kept
from micrograd_np.check.samples import samples_for

ELEMENTWISE = [  # the losses take no numbers in the place of predictions
    op for op in PRIMITIVES if op.shape is None and not op.variadic and not op.__module__.endswith(".losses")
]


@together
@every_primitive
def test_float32_stays_float32(op):
    for sample in samples_for(op):
        dtype_is_kept(sample)


@together
@pytest.mark.parametrize("number", [float, int])
@each([op for op in ELEMENTWISE if op.smooth and len(op.inputs) > 1])
def test_pythons_numbers_do_not_promote_float32(op, number):
    """The rules of NEP 50, for the result and for gradients of the first and the second order."""
    sample = next(samples_for(op)).astype(np.float32)
    for i in (i for i, x in enumerate(sample.inputs) if x.dtype.kind == "f"):
        inputs = [mg.Tensor(x, requires_grad=k in sample.varied) for k, x in enumerate(sample.inputs)]
        inputs[i] = number(1.25)
        leaves = [x for x in inputs if isinstance(x, mg.Tensor) and x.requires_grad]
        if not leaves:  # without a tensor there is nothing to promote
            continue
        z = sample.apply(*inputs)
        first = mg.autograd.grad(z.sum(), leaves, create_graph=True)
        again = [g.sum() for g in first if g.requires_grad]
        second = mg.autograd.grad(sum(again[1:], again[0]), leaves, allow_unused=True) if again else []
        dtypes = {z.dtype, *(g.dtype for g in (*first, *second) if g is not None)}
        assert dtypes == {np.dtype(np.float32)}, f"input {i}"
