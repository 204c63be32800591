"""Every contender of a workload computes the same step: equal weights in, equal losses out, three steps long."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
from together import sparing

from .contenders import REQUIRES, contender, installed, lacking
from .workloads import TINY, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

# numpy_dots computes no loss; torch.compile takes half a minute and compiles the very step of torch_eager; ours_before
# needs another tree.
APART = {"numpy_dots", "numpy_plain", "torch_compile", "ours_before"}
CONTENDERS = [name for name in REQUIRES if name not in APART]
NETWORKS = [workload for workload in TINY if workload.kind != "elementwise" and workload.optimizer == "sgd"]
STEPS = 3


@pytest.fixture(autouse=True)
def default_dtype() -> Iterator[None]:
    """Our contenders set it."""
    if find_spec("micrograd_np") is None:
        yield
        return
    import micrograd_np as mg

    before = mg.get_default_dtype()
    yield
    mg.set_default_dtype(before)


def values(name: str, workload: Workload, calls: int) -> list[np.ndarray]:
    """What the first ``calls`` steps of a contender return; skips the test if it has no such program."""
    if not installed(name):
        pytest.skip(f"{REQUIRES[name]} is not installed")
    build, finish = contender(name)
    try:
        step = build(workload)
        return [np.array(finish(step())) for _ in range(calls)]
    except (NotImplementedError, AttributeError) as error:
        if lacking(error):
            pytest.skip(f"{name}: {lacking(error)} for {workload.name}")
        raise


@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_steps_of_the_reference_move_the_loss(workload: Workload) -> None:
    first, *_, last = values("numpy_plain", workload, STEPS + 1)
    assert abs(last - first) > 1e-4 * abs(first)


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("workload", sparing(TINY, 2), ids=lambda workload: workload.name)
def test_losses_agree_with_plain_numpy(name: str, workload: Workload) -> None:
    expected = values("numpy_plain", workload, STEPS + 1)
    np.testing.assert_allclose(values(name, workload, STEPS + 1), expected, rtol=2e-5)


@pytest.mark.parametrize("name", ["ours_compiled", "torch_eager", "jax_jit"])
@pytest.mark.parametrize("workload", [workload.in_float64() for workload in TINY], ids=lambda workload: workload.name)
def test_losses_in_float64_agree_with_plain_numpy(name: str, workload: Workload) -> None:
    expected = values("numpy_plain", workload, STEPS + 1)
    found = values(name, workload, STEPS + 1)
    assert {value.dtype for value in found} == {np.dtype("float64")}
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("workload", [net.infer() for net in NETWORKS], ids=lambda workload: workload.name)
def test_outputs_agree_with_plain_numpy(name: str, workload: Workload) -> None:
    (expected,) = values("numpy_plain", workload, 1)
    (found,) = values(name, workload, 1)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=2e-5, atol=1e-6)
