"""Threads do not disturb one another: neither what is recorded, nor gradients, nor modes, nor hooks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.testing import assert_array_equal

import micrograd_np as mg
from micrograd_np import nn, optim

THREADS = 4


def train(net, seed, steps=40):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.MSELoss()
    for _ in range(steps):
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        optimizer.step()
    return net.state_dict()


def models():
    made = []
    for seed in range(THREADS):
        mg.random.manual_seed(seed)
        made.append(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)))
    return made


def together(work):
    """`work(i)` in as many threads at once; all start at the same moment, and an error in any is an error here."""
    barrier = threading.Barrier(THREADS)

    def run(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_threads_train_as_if_alone():
    alone = [train(net, seed) for seed, net in enumerate(models())]
    nets = models()
    at_once = together(lambda i: train(nets[i], i))
    for a, b in zip(alone, at_once, strict=True):
        for name in a:
            assert_array_equal(a[name], b[name])


def test_one_model_can_be_asked_for_gradients_by_several_threads():
    (net, *_) = models()
    data = np.random.default_rng(0).standard_normal((THREADS, 10, 3))
    loss = lambda net, x: (net(x) ** 2).mean()
    alone = [mg.grad(loss)(net, x) for x in data]
    at_once = together(lambda i: [mg.grad(loss)(net, data[i]) for _ in range(20)][-1])
    for a, b in zip(alone, at_once, strict=True):
        for name in a:
            assert_array_equal(a[name].data, b[name].data)


def test_functional_calls_of_one_model_take_turns():
    (net, *_) = models()
    x = np.ones((2, 3))
    scaled = [{name: p * (i + 1) for name, p in net.state_dict().items()} for i in range(THREADS)]
    alone = [mg.functional_call(net, params, x).data for params in scaled]
    at_once = together(lambda i: [mg.functional_call(net, scaled[i], x).data for _ in range(50)])
    for a, found in zip(alone, at_once, strict=True):
        for b in found:
            assert_array_equal(a, b)


def test_no_grad_in_one_thread_is_not_no_grad_in_another():
    x = mg.Tensor([1.0], requires_grad=True)
    inside, done = threading.Event(), threading.Event()

    def quiet():
        with mg.no_grad():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=quiet)
    thread.start()
    inside.wait(10)
    assert (x * 2).requires_grad
    done.set()
    thread.join()


def test_a_watch_sees_its_own_thread_only():
    x = mg.Tensor([1.0])
    with mg.trace_origins():
        (other,) = together(lambda i: x * 2)[:1]
        own = x * 2
    assert mg.debug.origin_of(other) is None
    assert mg.debug.origin_of(own) is not None
