"""Every library of the table of ops computes the same value and gradients: its times compare like with like."""

from __future__ import annotations

import numpy as np
import pytest
from together import together

from .libraries import PLACES, build, installed
from .ops import DTYPES, OPS, Op

LIBRARIES = [library for library in PLACES if library != "numpy"]


def value_and_gradients(library: str, case: str) -> list[np.ndarray]:
    """As float64 arrays."""
    step, read = build(library, case)
    return [np.asarray(array, np.float64) for array in read(step())]


@together
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("op", [op for op in OPS if op.hand and "16" in op.sizes], ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", DTYPES)
def test_libraries_agree_with_what_is_written_by_hand(op: Op, library: str, dtype: str) -> None:
    if not installed(library):
        pytest.skip(f"{library} is not installed")
    case = f"{op.name}|16|{dtype}"
    try:
        found = value_and_gradients(library, case)
    except NotImplementedError:
        pytest.skip(f"{library} has no {op.name}")
    near = 1e-9 if dtype == "float64" else 1e-4
    for theirs, by_hand in zip(found, value_and_gradients("numpy", case), strict=True):
        np.testing.assert_allclose(theirs, by_hand, rtol=near, atol=near)
