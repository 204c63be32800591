"""Where the elements lie in memory makes no difference."""

from strategies import every_primitive
from together import together

from micrograd_np.check.claims import layout_does_not_matter
from micrograd_np.check.samples import samples_for


@together
@every_primitive
def test_memory_layout_does_not_matter(op):
    for sample in samples_for(op):
        layout_does_not_matter(sample)
