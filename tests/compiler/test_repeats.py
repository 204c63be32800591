"""Equal layers are recorded once, and only equal ones; meanwhile the collector of garbage pauses."""

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.compiler.tracing.record import Recorder
from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.core.registry import registry


def equal_thrice(function, draw):
    """The compiled function gives on three batches the bits that eager gives."""
    compiled = mg.compile(function)
    for _ in range(3):
        x = draw()
        assert np.array_equal(compiled(x).data, function(mg.Tensor(x)).data)


def test_a_kernel_that_equal_layers_share_is_recorded_once(monkeypatch):
    ran = []
    run = Recorder.run

    def counted(self, kernel, /, *args, **static):
        ran.append(kernel)
        return run(self, kernel, *args, **static)

    monkeypatch.setattr(Recorder, "run", counted)

    def count(depth):
        ran.clear()
        net = nn.Sequential(*(layer for _ in range(depth) for layer in (nn.Linear(4, 4), nn.Tanh(), nn.LayerNorm(4))))
        draw = np.random.default_rng(0).standard_normal
        with mg.no_grad():
            equal_thrice(net, lambda: draw((3, 4)))
        return len(ran)

    assert count(6) == count(3) < 12


@pytest.mark.parametrize(
    "meet",
    [lambda x, y: x @ x + y @ y, lambda x, y: x @ x.T + x @ y, lambda x, y: (x * x) @ (x * y)],
)
def test_operands_that_are_one_array_are_not_taken_for_two(meet):
    rng = np.random.default_rng(0)
    equal_thrice(lambda x: meet(x, x + 1) + meet(x * 2, x * 2) + meet(x[::-1], x), lambda: rng.standard_normal((4, 4)))


def test_a_kernel_of_the_users_that_reads_a_variable_is_recorded_each_time():
    factors = []

    @primitive("{x} scaled", domain=(REALS,))
    def scaled(xp, out, x):
        return xp.multiply(x, factors[-1], out=out)

    def twice(x):
        factors[:] = [2.0]
        doubled = scaled(x)
        factors[:] = [3.0]
        return doubled + scaled(x)

    try:
        equal_thrice(twice, lambda: np.random.default_rng(0).standard_normal(4))
    finally:
        registry.pop("scaled")


@pytest.mark.parametrize("enabled", [True, False])
def test_a_trace_leaves_the_collector_of_garbage_as_it_was(enabled):
    before = gc.get_freeze_count()
    (gc.enable if enabled else gc.disable)()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        mg.compile(lambda x: x * 2)(np.ones(3))
        assert gc.isenabled() is enabled
        assert gc.get_freeze_count() >= frozen - 10  # some have gone since, none has been thawed
        with pytest.raises(ZeroDivisionError):
            mg.compile(lambda x: x / (1 // 0))(np.ones(3))
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
        if not before:
            gc.unfreeze()


def test_a_trace_leaves_no_weak_references_behind():
    """Python may crash where its collector of garbage finds some while the array dies that they refer to."""
    w, x = mg.Tensor(np.ones(3), requires_grad=True), np.ones(3)
    gc.disable()
    try:
        z = mg.compile(lambda x: (w * x).sum())(x)
    finally:
        gc.enable()
    assert [weakref.getweakrefcount(a) for a in (w.data, x, z.data)] == [0, 0, 0]


def test_what_traces_leave_behind_is_collected():
    program = """
import gc
import numpy as np
import micrograd_np as mg
from micrograd_np.compiler.step import _Uncollected
_Uncollected.limit = _Uncollected.least = 2000
counts = []
for _ in range(150):
    mg.compile(lambda x: x * 2)(np.ones(3))
    counts.append(len(gc.get_objects()))
print(max(counts[50:]) - max(counts[:50]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 3000
