"""A step over shards in one process: what it computes, and what it says of arguments that it cannot use."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import data, nn, optim
from micrograd_np.distributed.environment import arithmetic, chosen, difference
from micrograd_np.distributed.on_mpi import _compare
from micrograd_np.distributed.serial import Header


def serial(loss, model, optimizer, **settings):
    return mg.distributed.data_parallel(loss, model, optimizer, "serial", **settings)


def mean_squares(model, shard):
    return nn.MSELoss()(model(shard[0]), shard[1])


@pytest.fixture
def model():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))


@pytest.fixture
def sgd(model):
    return optim.SGD(model.parameters(), lr=0.1)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.normal(size=(29, 3)), rng.normal(size=(29, 2))


def test_importing_it_imports_no_engine():
    code = "import sys, micrograd_np.distributed; print({'mpi4py', 'ray', 'threadpoolctl'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_eager_and_compiled_runs_end_in_the_same_bits(train):
    single, compiled, double, compiled_double = train.main(["--all"])
    assert single == compiled
    assert double == compiled_double != single


def test_a_run_resumes_in_the_same_bits(train, tmp_path):
    path = tmp_path / "run.npz"
    train.main(["--steps", "30", "--checkpoint", str(path)])
    mg.manual_seed(5)  # what was drawn before does not matter
    assert train.main(["--checkpoint", str(path)]) == train.main([])


@pytest.mark.parametrize("shards", [1, 3, 8, 29])
def test_the_gradient_is_that_of_the_whole_batch_to_rounding(model, sgd, batch, shards):
    value = mean_squares(model, batch)
    value.backward()
    expected = [p.grad.data.copy() for p in model.parameters()]
    step = serial(mean_squares, model, sgd, shards=shards)  # shards of unequal lengths are weighted
    assert step(batch).item() == pytest.approx(value.item(), rel=1e-14)
    for p, g in zip(model.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad.data, g, rtol=1e-12, atol=1e-15)


def test_ignored_targets_count_where_the_loss_says_how_many(model, sgd, batch):
    labels = np.where(np.arange(29) % 3, -100, 1) * (np.arange(29) < 17) - 100 * (np.arange(29) >= 17)
    criterion = nn.CrossEntropyLoss()
    criterion(model(batch[0]), labels).backward()
    expected = model[0].weight.grad.data.copy()

    def loss(model, shard):
        return nn.CrossEntropyLoss(reduction="sum")(model(shard[0]), shard[1]), (shard[1] != -100).sum()

    serial(loss, model, sgd)((batch[0], labels))
    np.testing.assert_allclose(model[0].weight.grad.data, expected, rtol=1e-12)


def test_accumulated_batches_are_divided_once_by_the_samples_of_all(model, sgd, batch):
    value = mean_squares(model, batch)
    value.backward()
    expected = model[0].weight.grad.data.copy()
    step = serial(mean_squares, model, sgd)
    step.accumulate(tuple(x[:11] for x in batch))
    assert step(tuple(x[11:] for x in batch)).item() == pytest.approx(value.item(), rel=1e-14)
    np.testing.assert_allclose(model[0].weight.grad.data, expected, rtol=1e-12)
    step(batch)
    assert step.batches_done == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda model, optimizer: optimizer.add_param_group({"params": [nn.Parameter(np.ones(3))]}),
        lambda model, optimizer: model[0].requires_grad_(False),
        lambda model, optimizer: setattr(model[0].weight, "data", np.ones((8, 4))),
    ],
    ids=["added", "frozen", "of another shape"],
)
def test_parameters_that_change_after_a_batch_was_accumulated_are_an_error_that_says_what_to_do(
    model, sgd, batch, change
):
    step = serial(mean_squares, model, sgd)
    step.accumulate(batch)
    change(model, sgd)
    before = [p.data.copy() for p in model.parameters()]
    for call in (step, step.accumulate):
        with pytest.raises(ValueError, match=r"^data_parallel: a batch was accumulated for other parameters than .*"):
            call(batch)
    for p, b in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.data, b)
    model[0].weight.data = np.ones((8, 3))  # now it fits again
    step.load_state_dict(step.state_dict())
    value = mean_squares(model, batch).item()
    assert step(batch).item() == pytest.approx(value, rel=1e-14)


def test_parameters_that_are_as_they_were_go_on_from_what_was_accumulated(model, sgd, batch):
    value = mean_squares(model, batch).item()
    step = serial(mean_squares, model, sgd)
    step.accumulate(tuple(x[:11] for x in batch))
    model[0].requires_grad_(False)
    with pytest.raises(ValueError, match="data_parallel: a batch was accumulated"):
        step(tuple(x[11:] for x in batch))
    model[0].requires_grad_(True)
    assert step(tuple(x[11:] for x in batch)).item() == pytest.approx(value, rel=1e-14)


def test_gradients_are_clipped_together(model, sgd, batch):
    serial(mean_squares, model, sgd, clip=0.01)(batch)
    norm = np.sqrt(sum((p.grad.data**2).sum() for p in model.parameters()))
    assert norm == pytest.approx(0.01, rel=1e-3)


def test_an_optimiser_that_asks_for_the_loss_many_times_is_served(model, batch):
    step = serial(mean_squares, model, optim.LBFGS(model.parameters(), max_iter=10))
    first = step(batch).item()
    assert step(batch).item() < first / 1.2
    assert step.batches_done == 2


def test_a_parameter_that_no_shard_uses_gets_no_gradient(model, batch):
    unused = nn.Parameter(np.ones(3))
    step = serial(mean_squares, model, optim.AdamW([*model.parameters(), unused], lr=0.1))
    step(batch)
    assert unused.grad is None
    np.testing.assert_array_equal(unused.data, 1)


def test_a_frozen_parameter_stays(model, sgd, batch):
    step = serial(mean_squares, model, sgd)
    step(batch)
    model[0].requires_grad_(False)
    before = model[0].weight.data.copy()
    step(batch)
    np.testing.assert_array_equal(model[0].weight.data, before)


def test_float16_parameters_are_summed_in_float32(batch):
    model = nn.Linear(3, 2).to("float16")
    step = serial(mean_squares, model, optim.SGD(model.parameters(), lr=0.1))
    step(tuple(x.astype("float16") for x in batch))
    assert step.work.dtype == "float32"
    assert model.weight.grad.dtype == "float16"


def test_running_statistics_are_the_mean_over_shards_of_what_each_makes_of_them():
    norm = nn.BatchNorm1d(3)
    model = nn.Sequential(norm, nn.Linear(3, 2))
    x = np.random.default_rng(0).normal(size=(16, 3))
    step = serial(lambda model, shard: model(shard).mean(), model, optim.SGD(model.parameters(), lr=0.1), shards=4)
    step(x)
    shards = x.reshape(4, 4, 3)
    np.testing.assert_allclose(norm.running_mean.data, 0.1 * shards.mean(1).mean(0))
    np.testing.assert_allclose(norm.running_var.data, 0.9 + 0.1 * shards.var(1, ddof=1).mean(0))
    assert norm.num_batches_tracked.item() == 1


@pytest.mark.parametrize("where", ["attribute", "list"])
def test_a_buffer_that_the_loss_binds_anew_becomes_the_mean_over_shards_too(where):
    class Noting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)
            self.level, self.levels = nn.Buffer(np.ones(3)), [nn.Buffer(np.ones(3))]

        def forward(self, x):
            if where == "attribute":
                self.level = 0.5 * self.level + 0.5 * x.mean(0)
            else:
                self.levels[0] = nn.Buffer(0.5 * self.levels[0].data + 0.5 * x.data.mean(0))
            return self.layer(x)

    model, x = Noting(), np.random.default_rng(0).normal(size=(16, 3))

    def loss(model, shard):
        return model(mg.as_tensor(shard)).mean()

    optimizer = optim.SGD(model.parameters(), lr=0.1)
    step, expected = serial(loss, model, optimizer, shards=4), np.ones(3)
    for _ in range(3):
        step(x)
        expected = 0.5 * expected + 0.5 * x.mean(0)
    found = model.level if where == "attribute" else model.levels[0]
    np.testing.assert_allclose(found.data, expected, rtol=1e-12)
    if where == "list":
        return
    with pytest.raises(mg.CompileError, match=r"another tensor in the place of model\.level"):
        serial(mg.compile(loss), model, optimizer)(x)


def test_what_changes_between_steps_changes_in_a_compiled_loss(batch):
    ends = []
    for compile in (lambda loss: loss, mg.compile):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))
        share = {"of the squares": 1.0}

        def loss(model, shard, share=share):
            return mean_squares(model, shard) * share["of the squares"]

        step = serial(compile(loss), model, optim.SGD(model.parameters(), lr=0.1))
        step(batch)
        share["of the squares"] = 0.5
        step(batch)
        model[1].p = 0.1
        step(batch)
        model[2].momentum, model[2].eps = 0.9, 0.1
        step(batch)
        model.eval()
        step(batch)
        ends.append([x.data.tobytes() for x in (*model.parameters(), *model.buffers())])
    assert ends[0] == ends[1]


def test_buffers_that_no_shard_changes_stay():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)
            self.register_buffer("places", mg.Tensor(np.random.default_rng(0).normal(size=100)))
            self.register_buffer("key", mg.Tensor(np.array([2**60 + 1])))

    model = Fixed()
    before = model.places.data.copy()  # seven times a number, divided by seven, is often another
    step = serial(lambda model, x: model.layer(x).mean(), model, optim.SGD(model.parameters(), lr=0.1), shards=7)
    step(np.ones((14, 3)))
    np.testing.assert_array_equal(model.places.data, before)
    assert model.key.item() == 2**60 + 1


@pytest.mark.parametrize("compile", [False, True])
def test_parameters_that_the_optimiser_gets_later_are_trained(model, batch, compile):
    optimizer = optim.SGD(model[2].parameters(), lr=0.1)
    step = serial(mg.compile(mean_squares) if compile else mean_squares, model, optimizer)
    step(batch)
    step(batch)
    optimizer.add_param_group({"params": list(model[0].parameters())})
    value = mean_squares(model, batch)
    (expected,) = mg.autograd.grad(value, [model[0].weight])
    step(batch)
    np.testing.assert_allclose(model[0].weight.grad.data, expected.data, rtol=1e-12)


def test_a_step_that_fails_leaves_nothing_of_its_batch(model, sgd, batch):
    counts = iter([1, 1, 0, 0])
    step = serial(lambda model, shard: (mean_squares(model, shard), next(counts, 1)), model, sgd, shards=2)
    step(batch)
    with pytest.raises(ValueError, match="0 samples"):
        step(batch)
    assert (step.batches_done, step._pending) == (1, None)
    step(batch)
    assert step.batches_done == 2


def test_draws_depend_on_seed_step_and_shard_and_on_nothing_drawn_before(sgd, model, batch):
    seen = []

    def loss(model, shard):
        seen.append(mg.random.generator().random())
        return mean_squares(model, shard)

    step = serial(loss, model, sgd, shards=2)
    before = mg.random.get_state()
    step(batch)
    assert mg.random.get_state() == before
    step(batch)
    assert len(set(seen)) == 4
    assert np.random.Generator(np.random.PCG64([step.work.seed, 1, 1])).random() == seen[3]


class Noting(data.Dataset):
    """Notes which samples were read."""

    def __init__(self):
        self.read = []

    def __len__(self):
        return 24

    def __getitem__(self, i):
        self.read.append(i)
        return np.full(3, float(i)), np.zeros(2)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_worker_reads_its_shards_of_a_batch_alone(model, sgd, prefetch):
    step = serial(mean_squares, model, sgd)
    dataset = Noting()
    for batch in step.batches(data.DataLoader(dataset, 12, prefetch=prefetch)):
        if not prefetch:
            del dataset.read[:]
            step.work.sums(batch, 0, 2, 4)
            assert dataset.read == [3 + 12 * batch.number, *range(4 + 12 * batch.number, 6 + 12 * batch.number)]
        step(batch)
    if prefetch:
        assert dataset.read == list(range(24))


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_stream_is_read_as_it_comes(prefetch):
    class Stream(data.IterableDataset):
        def __iter__(self):
            return ((np.full(3, i), i) for i in range(50))

    seen = []
    model = nn.Linear(3, 1)

    def loss(model, shard):
        seen.extend(shard[1].numpy().tolist())
        return model(shard[0]).mean()

    step = serial(loss, model, optim.SGD(model.parameters(), lr=0.0), check_every=1)
    for batch in step.batches(data.DataLoader(Stream(), 20, drop_last=True, prefetch=prefetch)):
        step(batch)
    assert seen == list(range(40))


def test_a_mapped_set_travels_as_the_name_of_its_file(tmp_path):
    path = data.write_rows(tmp_path / "x.npy", [np.arange(30_000.0).reshape(-1, 3)])
    rows = data.memory_map(path)
    content = pickle.dumps(data.DataLoader(data.TensorDataset(rows, np.arange(10_000)[:10_000:1]), 4))
    assert len(content) < 100_000  # 80 kB of them labels in memory, where the rows are 240 kB
    (x, _) = pickle.loads(content).dataset.arrays
    np.testing.assert_array_equal(x, rows)
    part = pickle.loads(pickle.dumps(data.TensorDataset(rows[5:8])))  # a part of a map is copied
    np.testing.assert_array_equal(part.arrays[0], rows[5:8])


def test_fit_takes_the_name_of_an_engine(model, sgd, batch):
    loader = data.DataLoader(data.TensorDataset(*batch), 10, drop_last=True)
    history = mg.fit(
        model, nn.MSELoss(), sgd, loader, epochs=3, distributed="serial", compile=True, progress=False, lint=True
    )
    assert history["loss"][2] < history["loss"][0]
    assert not history.interrupted


SENTENCES = {
    "small": (ValueError, "the batch has 5 samples and is cut into 8 shards; each needs one. Pass drop_last=True"),
    "unequal": (ValueError, r"parts of the batch are \(29, 3\) and \(28, 2\); their first axes must be equal"),
    "nothing": (TypeError, "the batch must be arrays or tensors, alone or in a tuple.*; found an int"),
    "lists": (TypeError, r"found a list. Lists of numbers are none: pass np.asarray\(…\)"),
    "no number": (TypeError, "and the number of samples; or their mean; found a Tensor and None"),
    "vector": (ValueError, "loss must be a function .*; found a tensor of shape"),
    "number": (TypeError, "loss must be a function of model and shard that returns the sum .*; found a float"),
    "no samples": (ValueError, "the loss says that the batch has 0 samples"),
}


@pytest.mark.parametrize("kind", SENTENCES)
def test_what_a_step_cannot_use_is_said(model, sgd, batch, kind):
    x, y = batch
    loss = {
        "vector": lambda model, shard: model(shard[0]),
        "number": lambda model, shard: 1.0,
        "no number": lambda model, shard: (mean_squares(model, shard), None),
        "no samples": lambda model, shard: (mean_squares(model, shard), 0),
    }.get(kind, mean_squares)
    wrong = {"small": (x[:5], y[:5]), "unequal": (x, y[1:]), "nothing": 3, "lists": [[1.0] * 9]}.get(kind, batch)
    error, sentence = SENTENCES[kind]
    weights = model[0].weight.data.copy()
    step = serial(loss, model, sgd)
    with pytest.raises(error, match=f"data_parallel: .*{sentence}"):
        step(wrong)
    np.testing.assert_array_equal(model[0].weight.data, weights)
    if loss is mean_squares:
        step(batch)  # nothing is left of the wrong one


def test_a_state_of_another_number_of_shards_is_refused(model, sgd):
    with pytest.raises(ValueError, match=r"saved with 8 shards, and this step has 4; .* Pass shards=8"):
        serial(mean_squares, model, sgd, shards=4).load_state_dict(serial(mean_squares, model, sgd).state_dict())


def test_a_state_of_other_arithmetic_is_a_warning(model, sgd):
    step = serial(mean_squares, model, sgd)
    state = step.state_dict()
    state["arithmetic"] = {**state["arithmetic"], "NumPy": "1.0"}
    with pytest.warns(RuntimeWarning, match=r"other arithmetic than this \(NumPy: 1.0 against"):
        step.load_state_dict(state)


def test_processors_are_compared_by_what_only_one_of_them_has():
    assert difference(arithmetic(), arithmetic()) == ""
    assert difference({"CPU": "x: A B"}, {"CPU": "x: A C"}) == "CPU: B against C"


@pytest.mark.parametrize("engine", ["mpi", "ray"])
def test_an_engine_that_is_not_installed_says_how_to_get_it(monkeypatch, model, sgd, engine):
    monkeypatch.setitem(sys.modules, {"mpi": "mpi4py", "ray": "ray"}[engine], None)
    with pytest.raises(ImportError, match=re.escape(f"pip install 'micrograd_np[{engine}]'")):
        mg.distributed.data_parallel(mean_squares, model, sgd, engine)


def test_the_engine_is_chosen_by_how_the_program_was_started(monkeypatch):
    assert chosen() == "serial"
    monkeypatch.setenv("PMI_SIZE", "1")
    assert chosen() == "serial"
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    assert chosen() == "mpi"


def test_settings_that_make_no_sense_are_refused(model, sgd):
    with pytest.raises(ValueError, match="elastic must be False unless the engine is mpi; found True"):
        serial(mean_squares, model, sgd, elastic=True)
    with pytest.raises(ValueError, match="engine must be 'auto' or 'serial' or 'mpi' or 'ray'; found 'spark'"):
        mg.distributed.data_parallel(mean_squares, model, sgd, "spark")
    with pytest.raises(TypeError, match="model must be a Module; found the function"):
        serial(mean_squares, lambda x: x, sgd)
    other = nn.Linear(3, 2)
    step = serial(mean_squares, other, optim.SGD(other.parameters(), lr=0.1))
    with pytest.raises(ValueError, match="distributed is a step of another model or optimiser"):
        mg.fit(model, nn.MSELoss(), sgd, [(np.ones((8, 3)), np.ones((8, 2)))], distributed=step)
    step = serial(mean_squares, model, sgd)
    with pytest.raises(ValueError, match=r"compile comes too late for a step .*; make it of mg.compile"):
        mg.fit(model, nn.MSELoss(), sgd, [(np.ones((8, 3)), np.ones((8, 2)))], distributed=step, compile=True)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (Header(8, 4, 9, False), "rank 1 is at step 4, and rank 0 at step 3"),
        (Header(7, 3, 9, False), "rank 1 has a batch of 7 samples, and rank 0 one of 8"),
        (Header(8, 3, 1, False), "at step 3, rank 1 has other parameters"),
        (Header(8, 3, 9, False, 1), "rank 1 has modules or parameters in other modes than rank 0"),
    ],
)
def test_ranks_that_disagree_are_told_in_what(other, sentence):
    _compare([Header(8, 3, 9, False), Header(8, 3, 9, True)])
    with pytest.raises(RuntimeError, match=sentence):
        _compare([Header(8, 3, 9, False), other])


@pytest.mark.parametrize("others", ["scipy.linalg", pytest.param("scipy.linalg, sklearn", marks=pytest.mark.thorough)])
def test_libraries_of_other_packages_are_no_part_of_the_arithmetic(others):
    code = "from micrograd_np.distributed.environment import arithmetic; print(sorted(arithmetic().items()))"
    runs = [
        subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=True).stdout
        for start in ("", f"import {others}; ")
    ]
    assert runs[0] == runs[1]
