"""Every contender of a workload computes the same step: equal weights in, equal losses out, three steps long."""

from __future__ import annotations

import numpy as np
import pytest

from .contenders import REQUIRES, contender, installed
from .workloads import TINY, Workload

# numpy_dots computes no loss; torch.compile takes half a minute and compiles the very step of torch_eager.
CONTENDERS = [name for name in REQUIRES if name not in {"numpy_dots", "numpy_plain", "torch_compile"}]
STEPS = 3


def losses(name: str, workload: Workload) -> list[float]:
    """The loss before each of the first steps and after the last."""
    build, finish = contender(name)
    step = build(workload)
    return [float(np.asarray(finish(step()))) for _ in range(STEPS + 1)]


@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_steps_of_the_reference_move_the_loss(workload: Workload) -> None:
    first, *_, last = losses("numpy_plain", workload)
    assert abs(last - first) > 1e-4 * abs(first)


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_losses_agree_with_plain_numpy(name: str, workload: Workload) -> None:
    if not installed(name):
        pytest.skip(f"{REQUIRES[name]} is not installed")
    try:
        found = losses(name, workload)
    except NotImplementedError:
        pytest.skip(f"{name} has no program for {workload.name}")
    np.testing.assert_allclose(found, losses("numpy_plain", workload), rtol=2e-5)


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("workload", [w.infer() for w in TINY if w.kind != "elementwise"], ids=lambda w: w.name)
def test_outputs_agree_with_plain_numpy(name: str, workload: Workload) -> None:
    if not installed(name):
        pytest.skip(f"{REQUIRES[name]} is not installed")
    build, finish = contender(name)
    try:
        found = np.asarray(finish(build(workload)()))
    except NotImplementedError:
        pytest.skip(f"{name} has no program for inference")
    expected = np.asarray(contender("numpy_plain")[0](workload)())
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=2e-5, atol=1e-6)
