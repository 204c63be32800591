"""Every derivative rule agrees with finite differences, also with the forward differences of the tutorial."""

from strategies import every_smooth_primitive
from together import together

from micrograd_np.check.claims import gradient_agrees, gradient_agrees_with_forward_differences
from micrograd_np.check.samples import samples_for


@together
@every_smooth_primitive
def test_the_gradient_agrees_with_central_differences(op):
    for sample in samples_for(op):
        gradient_agrees(sample)


@together
@every_smooth_primitive
def test_the_gradient_agrees_with_forward_differences(op):
    for sample in samples_for(op):
        gradient_agrees_with_forward_differences(sample)
