"""A kernel in blocks gives the same bits as in one piece, and keeps the order in memory."""

import numpy as np
import pytest
from together import together

from micrograd_np.core.registry import registry

LONG = [op for op in registry.values() if op.kernel.__code__.co_name == "blocked"]


def test_there_are_some():
    assert {"erf", "silu"} <= {op.name for op in LONG}


@together
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", LONG, ids=lambda op: op.name)
def test_blocks_give_the_same_bits(op, dtype, rng):
    x = rng.normal(0, 4, (257, 301)).astype(dtype)  # more than a block, and no multiple of one
    whole = op.kernel.__wrapped__(np, ..., x)
    for found in (op(x), op.kernel(np, np.empty_like(x), x)):
        assert found.tobytes() == whole.tobytes()
    assert op(x.T).flags.f_contiguous
    assert np.array_equal(op(x.T), whole.T)
    assert np.array_equal(op(x[::-2]), whole[::-2])


@pytest.mark.parametrize("op", LONG, ids=lambda op: op.name)
def test_integers_become_floats(op):
    z = op(np.arange(60_000) % 5)
    assert z.dtype == np.float64
    assert np.array_equal(z[:5], op(np.arange(5)))
