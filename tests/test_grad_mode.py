"""Recording can be switched off: for a block, a function, a thread."""

import asyncio
import threading

import numpy as np
import pytest

import micrograd_np as mg


@pytest.fixture
def w():
    return mg.Tensor([1.0, 2.0], requires_grad=True, name="w")


def test_no_grad_records_nothing(w):
    with mg.no_grad():
        z = w * 2
    assert not z.requires_grad
    assert z.inputs == ()
    assert (w * 2).requires_grad


def test_no_grad_is_undone_by_an_exception():
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        1 / 0  # noqa: B018
    assert mg.is_grad_enabled()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_blocks_nest_and_restore_what_was_before(first, second):
    with mg.set_grad_enabled(first):
        with mg.set_grad_enabled(second):
            assert mg.is_grad_enabled() is second
        assert mg.is_grad_enabled() is first
    assert mg.is_grad_enabled()


def test_set_grad_enabled_works_as_a_bare_call(w):
    mg.set_grad_enabled(False)
    try:
        assert not (w * 2).requires_grad
        with mg.set_grad_enabled(True):
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    finally:
        mg.set_grad_enabled(True)
    assert (w * 2).requires_grad


def test_the_other_two_wait_for_their_block():
    mg.no_grad()
    assert mg.is_grad_enabled()


def test_set_grad_enabled_as_a_decorator_is_for_the_function_alone(w):
    @mg.set_grad_enabled(False)
    def double(x):
        return x * 2

    assert mg.is_grad_enabled()
    for _ in range(2):
        assert not double(w).requires_grad
        assert mg.is_grad_enabled()


def test_one_set_grad_enabled_serves_several_blocks():
    off = mg.set_grad_enabled(False)
    for _ in range(2):
        with off:
            assert not mg.is_grad_enabled()
        assert mg.is_grad_enabled()


def test_enable_grad_records_inside_no_grad(w):
    with mg.no_grad(), mg.enable_grad():
        assert (w * 2).requires_grad


def test_no_grad_decorates_a_function(w):
    @mg.no_grad()
    def double(x):
        """Twice x."""
        return x * 2

    assert not double(w).requires_grad
    assert double.__doc__ == "Twice x."
    assert mg.is_grad_enabled()


def test_a_decorated_function_may_call_itself_and_raise():
    @mg.no_grad()
    def countdown(n):
        assert not mg.is_grad_enabled()
        return countdown(n - 1) if n else 1 // n

    with pytest.raises(ZeroDivisionError):
        countdown(3)
    assert mg.is_grad_enabled()


def test_one_object_serves_several_blocks():
    quiet = mg.no_grad()
    with quiet, quiet:
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()
    with quiet:
        assert not mg.is_grad_enabled()


def test_another_thread_keeps_recording(w):
    seen = {}
    inside, done = threading.Event(), threading.Event()

    def train():
        inside.wait(10)
        z = (w * w).sum()
        seen["recording"] = z.requires_grad
        done.set()

    thread = threading.Thread(target=train)
    thread.start()
    with mg.no_grad():
        inside.set()
        assert done.wait(10)
        assert not (w * w).requires_grad
    thread.join()
    assert seen["recording"]


def test_threads_that_ended_without_recording_leave_nothing_to_those_with_their_numbers(w):
    def run(*functions):
        for function in functions:
            thread = threading.Thread(target=function)
            thread.start()
            thread.join()

    recorded = []
    run(*[lambda: mg.set_grad_enabled(False)] * 8)
    run(*[lambda: recorded.append(((w * 2).requires_grad, mg.is_grad_enabled()))] * 8)
    assert recorded == [(True, True)] * 8
    assert (w * 2).requires_grad


def test_threads_share_a_decorated_function_and_train_independently():
    @mg.no_grad()
    def measure(x, barrier):
        barrier.wait(10)  # all threads are inside at once
        return x.sum().requires_grad

    barrier = threading.Barrier(4)
    results = []

    def train(seed):
        x = mg.Tensor(np.full(3, float(seed)), requires_grad=True)
        quiet = measure(x, barrier)
        (x * x).sum().backward()
        results.append((quiet, mg.is_grad_enabled(), x.grad.tolist() == [2.0 * seed] * 3))

    threads = [threading.Thread(target=train, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(False, True, True)] * 4


def test_backward_works_inside_no_grad(w):
    z = (w * w).sum()
    with mg.no_grad():
        z.backward()
    np.testing.assert_array_equal(w.grad.data, [2.0, 4.0])


def test_a_generator_keeps_its_block_open_only_while_it_runs():
    def steps():
        with mg.no_grad():
            yield mg.is_grad_enabled()

    assert list(steps()) == [False]
    assert mg.is_grad_enabled()


def test_a_coroutine_may_use_it():
    async def evaluate():
        with mg.no_grad():
            return mg.is_grad_enabled()

    assert asyncio.run(evaluate()) is False
    assert mg.is_grad_enabled()
