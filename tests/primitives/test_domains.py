"""On its domain, no primitive and no rule warns, overflows or makes nan."""

from strategies import every_primitive
from together import together

from micrograd_np.check.claims import domain_is_silent
from micrograd_np.check.samples import samples_for


@together
@every_primitive
def test_the_domain_is_silent(op):
    for sample in samples_for(op):
        domain_is_silent(sample)
