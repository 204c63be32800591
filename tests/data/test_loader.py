"""Batches: their order, their number, the thread that prepares them, and going on where one stopped."""

import threading
import time
from itertools import chain

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.data import DataLoader, Dataset, TensorDataset


def numbers(n=10):
    return TensorDataset(np.arange(n))


def epoch(loader):
    return [x.tolist() for (x,) in loader]


def test_every_sample_comes_once_per_epoch_in_an_order_that_changes():
    loader = DataLoader(numbers(), 3, shuffle=True)
    first, second = epoch(loader), epoch(loader)
    assert [len(b) for b in first] == [3, 3, 3, 1]
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(10))
    assert first != second


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("n", [0, 1, 9, 10])
def test_the_length_is_the_number_of_batches(n, drop_last):
    loader = DataLoader(numbers(n), 3, drop_last=drop_last)
    assert len(epoch(loader)) == len(loader) == (n // 3 if drop_last else (n + 2) // 3)


def test_the_order_depends_on_seed_and_epoch_alone():
    a = DataLoader(numbers(), 3, shuffle=True, generator=np.random.default_rng(1))
    b = DataLoader(numbers(), 3, shuffle=True, generator=np.random.default_rng(1))
    for _ in range(2):
        epoch(a)
    mg.random.generator().random(100)  # what anybody else draws does not matter
    wanted = epoch(a)
    assert [x.tolist() for (x,) in b.batches(epoch=2)] == wanted
    assert [x.tolist() for (x,) in b.batches(epoch=2, start=2)] == wanted[2:]


def test_the_projects_seed_settles_the_order():
    found = []
    for _ in range(2):
        mg.random.manual_seed(3)
        found.append(epoch(DataLoader(numbers(), 3, shuffle=True)))
    assert found[0] == found[1]


def test_prefetched_batches_are_the_same_batches():
    plain = DataLoader(numbers(50), 3, shuffle=True, generator=np.random.default_rng(1))
    ahead = DataLoader(numbers(50), 3, shuffle=True, generator=np.random.default_rng(1), prefetch=4)
    for _ in range(3):
        assert epoch(plain) == epoch(ahead)


def test_a_transform_draws_the_same_whoever_prepares_it():
    def noisy(batch, rng):
        return [batch[0] + rng.standard_normal(batch[0].shape)]

    loaders = [
        DataLoader(numbers(), 3, generator=np.random.default_rng(1), transform=noisy, prefetch=n) for n in (0, 3)
    ]
    first, second = (epoch(loader) for loader in loaders)
    assert first == second
    assert epoch(loaders[0]) != first


def test_preparing_ahead_overlaps_with_the_work_on_the_batch_before():
    class Slow(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            time.sleep(0.05)
            return i

    def elapsed(prefetch):
        start = time.perf_counter()
        for _ in DataLoader(Slow(), prefetch=prefetch):
            time.sleep(0.05)
        return time.perf_counter() - start

    assert elapsed(2) < 0.8 * elapsed(0)  # 0.35 s against 0.6 s


def test_an_error_in_the_thread_is_raised_where_the_batch_was_due():
    class Broken(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            if i == 2:
                raise KeyError("sample 2")
            return i

    seen = []
    with pytest.raises(KeyError, match="sample 2"):
        seen.extend(x.tolist() for x in DataLoader(Broken(), prefetch=2))
    assert seen == [[0], [1]]


def test_leaving_the_loop_early_ends_the_thread():
    for _ in DataLoader(numbers(100), prefetch=2):
        break
    deadline = time.monotonic() + 5
    while any(t.name == "prefetch" for t in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]


@pytest.mark.parametrize("prefetch", [0, 3])
@pytest.mark.parametrize("stop", [0, 1, 4, 5, 7])
def test_a_loader_goes_on_where_another_stopped(stop, prefetch):
    def make(seed):
        return DataLoader(numbers(), 3, shuffle=True, generator=np.random.default_rng(seed), prefetch=prefetch)

    def stream(loader):
        while True:
            yield from epoch_of(loader)

    def epoch_of(loader):
        for (x,) in loader:
            yield x.tolist()

    whole = stream(make(1))
    expected = [next(whole) for _ in range(12)]
    first = make(1)
    part = stream(first)
    seen = [next(part) for _ in range(stop)]
    second = make(2)
    second.load_state_dict(first.state_dict())
    rest = stream(second)
    assert seen + [next(rest) for _ in range(12 - stop)] == expected


def test_after_a_break_the_next_loop_is_a_new_epoch():
    loader = DataLoader(numbers(), 3, shuffle=True, generator=np.random.default_rng(0))
    for _ in loader:
        break
    assert epoch(loader) == [x.tolist() for (x,) in loader.batches(epoch=1)]


def test_a_sampler_says_the_order():
    assert epoch(DataLoader(numbers(), 2, sampler=[5, 3, 1])) == [[5, 3], [1]]
    with pytest.raises(ValueError, match="leave out shuffle"):
        DataLoader(numbers(), sampler=[1], shuffle=True)


def test_a_batch_sampler_says_which_samples_each_batch_has():
    loader = DataLoader(numbers(), batch_sampler=[[5, 3], [1]])
    assert epoch(loader) == epoch(loader) == [[5, 3], [1]]
    assert len(loader) == 2
    with pytest.raises(ValueError, match="leave out batch_size"):
        DataLoader(numbers(), 2, batch_sampler=[[1]])


def test_a_collate_fn_makes_the_batch_from_samples():
    loader = DataLoader(range(5), 2, collate_fn=sum)
    assert list(loader) == [1, 5, 4]


def test_batches_are_lists_of_tensors_as_in_pytorch():
    torch = pytest.importorskip("torch")
    x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    ours = DataLoader(TensorDataset(x, y), 2)
    theirs = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), 2)
    for a, b in zip(ours, theirs, strict=True):
        assert type(a) is type(b) is list
        for p, q in zip(a, b, strict=True):
            np.testing.assert_array_equal(p.data, q.numpy())
            assert str(p.dtype) in str(q.dtype)


@pytest.mark.parametrize("name", ["sampler", "batch_sampler"])
def test_a_sampler_that_one_epoch_uses_up_is_refused(name):
    with pytest.raises(TypeError, match=f"{name} is a generator, which one epoch uses up"):
        DataLoader(numbers(), **{name: (i for i in range(3))})
