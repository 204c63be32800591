"""`step.report()` and `cache_info()` tell what was made of a step."""

import tracemalloc

import numpy as np
import pytest

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


def test_eager_holds_at_least_what_the_report_says():
    step = training(200)
    x, y = np.ones((1000, 200)), np.zeros((1000, 200))
    step(x, y)
    tracemalloc.start()
    step(x, y)
    tracemalloc.reset_peak()
    step(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    compiled = mg.compile(step)
    compiled(x, y)
    report = compiled.report()
    assert report.eager_bytes < 1.01 * peak  # the gradients of the step before have been given back by then
    assert report.arena_bytes < report.separate_bytes


def test_cache_info_counts_and_clear_forgets():
    f = mg.compile(lambda x: x * 2)
    for n in (3, 3, 4, 3):
        f(np.ones(n))
    assert f.cache_info() == (2, 2, 2)
    f.clear()
    assert f.cache_info() == (0, 0, 0)


def test_what_is_shown_is_the_program_that_has_run_most_calls_and_of_equals_the_latest():
    f = mg.compile(lambda x: x * 2)
    for n in (4, 3):
        f(np.ones(n))
    assert "x (3,) float64" in f.source
    for n in (4, 4, 4, 3, 4, 4, 3):  # two epochs, each with a short batch at the end
        f(np.ones(n))
        f(x=np.ones(n))
    assert "x (4,) float64" in f.source
    assert f.cache_info() == (12, 4, 4)
    for _ in range(10):
        f(np.ones(3))
    assert "x (3,) float64" in f.source


def test_programs_whose_memory_is_gone_are_not_shown_while_there_are_others():
    model = nn.Linear(3, 1, bias=False)
    f = mg.compile(lambda x: model(x).sum())
    with mg.no_grad():
        for _ in range(5):
            f(np.ones((4, 3)))
        model.weight.data = np.zeros((1, 3))
        f(np.ones((2, 3)))
    assert "x (2, 3)" in f.source


def test_what_is_compiled_must_be_callable_and_is_counted_in_words():
    with pytest.raises(TypeError, match=r"takes a function, .* found 3 \(int\)"):
        mg.compile(3)
    with pytest.raises(TypeError, match=r"'fast' \(str\)"):
        mg.compile("fast")

    @mg.compile
    def double(x):
        return x * 2

    double(np.ones(1))
    assert repr(double) == "<compiled double: 1 program, mode='exact'>"
    double(np.ones(2))
    assert repr(double) == "<compiled double: 2 programs, mode='exact'>"
