"""Sets made of sets, streams, and the orders in which samples are taken."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import data, nn, optim


class Stream(data.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter((float(i), i) for i in range(self.n))


def test_sets_stand_one_after_another_or_side_by_side():
    a, b = data.TensorDataset(np.arange(3)), data.TensorDataset(np.arange(10, 12))
    both = a + b
    assert isinstance(both, data.ConcatDataset)
    assert [x.item() for (x,) in both] == [0, 1, 2, 10, 11]
    assert both.cumulative_sizes == [3, 5]
    assert both[-5][0].item() == 0
    assert [x.tolist() for (x,) in data.DataLoader(both, 2)] == [[0, 1], [2, 10], [11]]
    pairs = data.StackDataset(range(3), "abc")
    assert [pairs[i] for i in range(len(pairs))] == [(0, "a"), (1, "b"), (2, "c")]
    (batch,) = data.DataLoader(data.StackDataset(x=range(2), y=np.ones((2, 3))), 2)
    assert batch["x"].tolist() == [0, 1]
    assert batch["y"].shape == (2, 3)


def test_a_stream_is_cut_into_batches():
    loader = data.DataLoader(Stream(5), batch_size=2)
    for _ in range(2):
        assert [i.tolist() for _, i in loader] == [[0, 1], [2, 3], [4]]
    assert [i.tolist() for _, i in data.DataLoader(Stream(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(data.DataLoader(Stream(3), 2, collate_fn=len, prefetch=1)) == [2, 1]
    assert [i.item() for _, i in data.DataLoader(Stream(2) + Stream(1))] == [0, 1, 0]
    with pytest.raises(TypeError, match="write __len__"):
        len(loader)


def test_a_stream_continues_where_its_loader_was_saved():
    loader = data.DataLoader(Stream(5), batch_size=2)
    next(iter(loader))
    other = data.DataLoader(Stream(5), batch_size=2)
    other.load_state_dict(loader.state_dict())
    assert [i.tolist() for _, i in other] == [[2, 3], [4]]


def test_a_model_fits_to_a_stream():
    model = nn.Linear(1, 1)
    stream = data.DataLoader(Stream(6), 3, collate_fn=lambda rows: (np.array([[x] for x, _ in rows]),) * 2)
    history = mg.fit(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.01), stream, epochs=3, progress=False)
    assert history["loss"][-1] < history["loss"][0]


def test_every_sampler_yields_what_it_says_and_from_the_packages_generator():
    def drawn():
        mg.manual_seed(0)
        orders = {
            "all": data.RandomSampler(range(7)),
            "some": data.RandomSampler(range(7), num_samples=3),
            "twice": data.RandomSampler(range(7), num_samples=14),
            "again": data.RandomSampler(range(7), replacement=True, num_samples=20),
            "subset": data.SubsetRandomSampler([9, 4, 6]),
            "weighted": data.WeightedRandomSampler([0.0, 1.0, 3.0], 4000),
            "without": data.WeightedRandomSampler([0.5, 0.0, 3.0], 2, replacement=False),
        }
        return {name: (len(sampler), list(sampler)) for name, sampler in orders.items()}

    found = drawn()
    assert found == drawn()
    assert all(n == len(order) for n, order in found.values())
    orders = {name: order for name, (_, order) in found.items()}
    assert sorted(orders["all"]) == list(range(7)) != orders["all"]
    assert len(set(orders["some"])) == 3
    assert sorted(orders["twice"]) == sorted([*range(7)] * 2)
    assert set(orders["again"]) <= set(range(7))
    assert len(set(orders["again"])) < 20
    assert sorted(orders["subset"]) == [4, 6, 9]
    assert 0 not in orders["weighted"]
    assert abs(np.mean(np.array(orders["weighted"]) == 2) - 0.75) < 0.03
    assert sorted(orders["without"]) == [0, 2]


def test_a_sampler_of_its_own_generator_leaves_the_packages_alone():
    before = mg.random.get_state()
    a, b = (list(data.RandomSampler(range(9), generator=np.random.default_rng(1))) for _ in range(2))
    assert a == b
    assert mg.random.get_state() == before


def test_a_loader_takes_samplers():
    x = data.TensorDataset(np.arange(5))
    assert [b.tolist() for (b,) in data.DataLoader(x, 2, sampler=data.SequentialSampler(x))] == [[0, 1], [2, 3], [4]]
    batches = data.BatchSampler(data.SequentialSampler(x), 2, drop_last=True)
    loader = data.DataLoader(x, batch_sampler=batches)
    assert [b.tolist() for (b,) in loader] == [[0, 1], [2, 3]]
    assert len(loader) == len(batches) == 2


@together
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: data.ConcatDataset([]), ValueError, "there are no sets"),
        (lambda: data.ConcatDataset([Stream(2)]), TypeError, "ChainDataset takes others"),
        (lambda: data.ConcatDataset([range(2)])[2], IndexError, "index 2 is out of bounds; there are 2"),
        (lambda: data.StackDataset(range(2), range(3)), ValueError, "sets of one length"),
        (lambda: data.StackDataset(range(2), x=range(2)), ValueError, "all of them named or none"),
        (lambda: Stream(2)[0], TypeError, "has no sample 0"),
        (lambda: data.DataLoader(Stream(2), shuffle=True), ValueError, "leave out shuffle"),
        (lambda: data.DataLoader(Stream(2), sampler=[0]), ValueError, "leave out shuffle and samplers"),
        (lambda: data.WeightedRandomSampler([1.0, -1.0], 2), ValueError, "weights must be numbers of at least 0"),
        (lambda: data.WeightedRandomSampler([1.0, 0.0], 2, replacement=False), ValueError, "num_samples must be"),
        (lambda: data.RandomSampler(range(2), num_samples=0), ValueError, "at least 1"),
        (lambda: iter(data.Sampler()), NotImplementedError, "write a method __iter__"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
