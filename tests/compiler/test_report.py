"""`step.report()` and `cache_info()` tell what was made of a step."""

import tracemalloc

import numpy as np

import micrograd_np as mg
from micrograd_np import nn, optim


def training(size):
    model = nn.Sequential(nn.Linear(size, size), nn.Sigmoid(), nn.Linear(size, size), nn.Sigmoid())
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_the_report_says_size_memory_passes_and_time():
    step = mg.compile(training(8))
    step(np.ones((4, 8)), np.ones((4, 8)))
    report = step.report()
    assert 0 < report.lines <= report.traced_lines
    assert 0 < report.arena_bytes <= report.separate_bytes
    assert report.passes["constants"] > 0
    assert report.trace_seconds > 0 < report.compile_seconds
    for told in ("step:", "memory", "buffers in one arena", "passes", "time"):
        assert told in str(report)


def test_eager_holds_at_least_what_the_report_says_and_more_than_the_arena():
    step = training(200)
    x, y = np.ones((1000, 200)), np.zeros((1000, 200))
    step(x, y)
    tracemalloc.start()
    step(x, y)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    step(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    compiled = mg.compile(step)
    compiled(x, y)
    report = compiled.report()
    assert report.eager_bytes < 1.01 * (peak - before)
    assert report.arena_bytes < peak - before


def test_cache_info_counts_and_clear_forgets():
    f = mg.compile(lambda x: x * 2)
    for n in (3, 3, 4, 3):
        f(np.ones(n))
    assert f.cache_info() == (2, 2, 2)
    f.clear()
    assert f.cache_info() == (0, 0, 0)
