"""What is claimed of every primitive holds whatever the shapes: each drawn sample is judged by all claims."""

import hypothesis.strategies as st
from hypothesis import given
from strategies import LOOPS, PRIMITIVES, every_primitive, samples

from micrograd_np.check.claims import CLAIMS

ELSEWHERE = {"compiled_is_eager": PRIMITIVES, "second_derivative_agrees": [op for op in PRIMITIVES if op.name in LOOPS]}
"""What tests/compiler/test_primitives.py and test_second_derivatives.py claim of these, since it takes long."""


@every_primitive
@given(data=st.data())
def test_every_claim_holds_whatever_the_shapes(op, data):
    sample = data.draw(samples(op))
    for name, claim in CLAIMS.items():
        if op not in ELSEWHERE.get(name, ()):
            claim(sample)
