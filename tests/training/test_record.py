"""Claims about the record of a training run: it changes no number, costs little, and leaves a whole page."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import data, nn, optim
from micrograd_np.training import History, Record, fit
from micrograd_np.training import record as module

ROOT = Path(mg.__file__).parents[1]
LOSSES = {2: nn.CrossEntropyLoss, 1: nn.BCEWithLogitsLoss}


class Drawing(nn.Dropout):
    """A layer that draws random numbers in evaluation, too."""

    def forward(self, x):
        return x + 0 * mg.random.normal(size=x.shape) if not self.training else super().forward(x)


def trained(record=None, epochs=4, outputs=2, seed=0, **options):
    mg.random.manual_seed(seed)
    x, y = data.moons(90, generator=np.random.default_rng(1))
    y = y if outputs == 2 else y[:, None].astype(float)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), Drawing(0.2), nn.Linear(8, outputs))
    train = data.DataLoader(data.TensorDataset(x, y), 30, shuffle=True)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    options = {"progress": False, "validation": train} | options
    history = fit(model, LOSSES[outputs](), optimizer, train, epochs=epochs, record=record, **options)
    return model, history


@pytest.fixture
def time_enough(monkeypatch):
    """As if epochs took hours, so that every one of them is recorded."""
    for share in ("_STOPS", "_SHARE"):
        monkeypatch.setattr(module, share, float("inf"))


def content(path):
    """The data that a page shows."""
    text = Path(path).read_text(encoding="utf-8")
    assert text.endswith("</html>\n")
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)[1])


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_recorded_run_is_the_same_to_the_bit(tmp_path, compile, outputs):
    plain, told = trained(compile=compile, outputs=outputs)
    recorded, history = trained(tmp_path / "run.html", compile=compile, outputs=outputs)
    assert history.rows == told.rows
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(recorded.state_dict()[name], value)
    assert all(m.training is n.training for m, n in zip(plain.modules(), recorded.modules(), strict=True))


def test_a_record_holds_the_norms_of_weights_and_gradients(tmp_path, time_enough):
    model, history = trained(tmp_path / "run.html")
    record = history.record
    assert record.epochs == [0, 1, 2, 3, 4]
    assert list(record.weights) == ["0 Linear", "1 BatchNorm1d", "4 Linear"]
    last = model[4]
    norm = np.linalg.norm(np.concatenate([p.data.ravel() for p in last.parameters()]))
    slope = np.linalg.norm(np.concatenate([p.grad.data.ravel() for p in last.parameters()]))
    np.testing.assert_allclose(record.weights["4 Linear"][-1], norm, rtol=5e-4)
    np.testing.assert_allclose(record.gradients["4 Linear"][-1], slope, rtol=5e-4)
    assert np.isnan(record.gradients["4 Linear"][0])  # before the first backward pass


def test_the_page_holds_curves_and_regions(tmp_path):
    model, history = trained(tmp_path / "run.html")
    found = content(tmp_path / "run.html")
    assert [curve["name"] for curve in found["curves"]] == ["loss", "validation loss"]
    np.testing.assert_allclose(found["curves"][0]["values"], history["loss"], rtol=5e-4)
    side = found["plane"]["side"]
    left, right, bottom, top = found["plane"]["limits"]
    corners = mg.Tensor([[left, bottom], [right, bottom], [left, top], [right, top]])
    with mg.no_grad():
        wanted = model.eval()(corners).data.argmax(axis=1)
    plane = found["frames"][-1]["plane"]
    assert [ord(plane[i]) - 48 for i in (0, side - 1, side * (side - 1), side**2 - 1)] == wanted.tolist()


@pytest.mark.thorough
def test_epochs_are_thinned_evenly_and_the_page_stays_small(tmp_path, monkeypatch, time_enough):
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(80)), nn.Linear(2, 3))
    path = tmp_path / "run.html"
    record, history = Record(model, path, data.blobs(1000)), History()
    record.begin(history)
    write = Record._write
    monkeypatch.setattr(Record, "_write", lambda *_: None)
    for epoch in range(1500):
        history.add({f"loss {i} {'x' * 100}": 1 / (epoch + 1) for i in range(15)})
        record.add(history)
    monkeypatch.setattr(Record, "_write", write)
    record.close(history)
    steps = np.diff(record.epochs)
    assert 100 <= len(record.epochs) <= 201
    assert len(set(steps[:-1])) == 1
    assert steps[-1] <= steps[0]
    assert record.epochs[-1] == 1500
    assert path.stat().st_size < 5_000_000
    assert content(path)["unshown"] == 21


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but for what is said to take time: `train`, a stop (0.3 ms) and a page (3 ms)."""

    class Clock:
        now = spent = 0.0
        pauses = ()  # which of the stops are held up by other programs, for 0.3 s

        def train(self, record, seconds, epochs, paced=lambda epoch: 1):
            stops = iter(range(10**9))
            history = History()

            def slow(method, cost):
                def taking(*arguments):
                    taken = cost()
                    self.now, self.spent = self.now + taken, self.spent + taken
                    return method(*arguments)

                return taking

            norm = slow(lambda *_: 1.0, lambda: 0.3 if next(stops) in self.pauses else 0.0003)
            monkeypatch.setattr(module.time, "perf_counter", lambda: self.now)
            monkeypatch.setattr(module, "_norm", norm)  # one for each frame
            monkeypatch.setattr(module, "fill", slow(lambda *_: "page", lambda: 0.003))
            record.begin(history)
            for epoch in range(epochs):
                self.now += seconds * paced(epoch)
                history.add({"loss": 1.0})
                record.add(history)
            record.close(history)

    return Clock()


def even(epochs):
    """Whether these epochs are at one distance, but for the last, which may be nearer."""
    *steps, last = np.diff(epochs)
    return len(set(steps)) == 1 and last <= steps[0]


@pytest.mark.parametrize(
    ("epochs", "kept"), [(200, 13), (2_000, 100), pytest.param(20_000, 100, marks=pytest.mark.thorough)]
)
def test_recording_takes_at_most_its_share(tmp_path, clock, epochs, kept):
    record = Record(nn.Linear(2, 1), tmp_path / "run.html")
    clock.train(record, 0.005, epochs)  # a second in all, or more
    assert clock.spent <= 0.05 * epochs * 0.005
    assert len(record.epochs) >= kept
    assert even(record.epochs)


@pytest.mark.parametrize("points", [None, data.blobs(30)], ids=["weights", "plane"])
def test_a_run_of_a_twentieth_of_a_second_pays_for_one_page_and_two_planes(tmp_path, monkeypatch, clock, points):
    made = []
    plane = module._plane
    monkeypatch.setattr(module, "_plane", lambda *given: made.append("plane") or plane(*given))
    monkeypatch.setattr(module, "write", lambda *_: made.append("page"))
    clock.train(Record(nn.Linear(2, 3), tmp_path / "run.html", points), 0.001, 50)
    assert made == ["plane"] * (0 if points is None else 2) + ["page"]


@pytest.mark.parametrize("pauses", [(0,), (1,), (2, 3), range(2, 10**6, 7)], ids=["0", "1", "2 and 3", "every 7th"])
def test_a_busy_machine_leaves_the_stops_even(tmp_path, clock, pauses):
    clock.pauses = pauses
    record = Record(nn.Linear(2, 1), tmp_path / "run.html")
    clock.train(record, 0.005, 60)
    assert len(record.epochs) >= 9
    assert even(record.epochs)


def test_epochs_of_unequal_length_leave_the_stops_even(tmp_path, clock):
    record = Record(nn.Linear(2, 1), tmp_path / "run.html")
    clock.train(record, 0.001, 300, paced=lambda epoch: 1 + 30 * (epoch % 50 == 0) + epoch / 100)
    assert len(record.epochs) >= 9
    assert even(record.epochs)


def test_the_planes_of_a_page_are_even_and_those_of_their_epochs(tmp_path, monkeypatch, time_enough):
    monkeypatch.setattr(module, "_MANY", 20)
    trained(tmp_path / "run.html", epochs=60)
    frames = content(tmp_path / "run.html")["frames"]
    planes = {frame["epoch"]: frame["plane"] for frame in frames if "plane" in frame}
    assert len(planes) >= 5
    assert even(list(planes))
    for epoch in list(planes)[:3]:
        trained(tmp_path / "part.html", epochs=epoch)
        assert content(tmp_path / "part.html")["frames"][-1]["plane"] == planes[epoch]


def test_copies_of_weights_that_wait_for_a_page_are_bounded_and_even(tmp_path, monkeypatch, clock):
    monkeypatch.setattr(module, "_COPIES", 10_000)
    record = Record(nn.Linear(2, 10), tmp_path / "run.html", data.blobs(30))  # 240 bytes
    sizes, keep = [], record._keep

    def watched(history):
        keep(history)
        sizes.append(sum(x.nbytes for copy in record._copies.values() for x in copy))

    monkeypatch.setattr(record, "_keep", watched)
    clock.train(record, 1.0, 150)
    assert max(sizes) <= 10_000
    assert len(record.epochs) == 151
    assert even(sorted(record._planes))


def test_a_run_that_is_too_short_for_more_is_recorded_before_and_after(tmp_path):
    _, history = trained(tmp_path / "run.html", epochs=1)
    assert history.record.epochs == [0, 1]
    assert [frame["epoch"] for frame in content(tmp_path / "run.html")["frames"]] == [0, 1]


def test_a_page_that_cannot_be_written_ends_no_training(tmp_path, monkeypatch, caplog):
    calls = []

    def full(path, page):
        calls.append(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write", full)
    _, history = trained(tmp_path / "run.html")
    assert len(history) == 4
    assert calls
    assert "No space left" in caplog.text


@pytest.mark.parametrize("name", ["run.txt", "run"])
def test_a_page_of_another_suffix_is_refused_before_training(tmp_path, name):
    with pytest.raises(ValueError, match="html"):
        trained(tmp_path / name)


def test_what_has_no_plane_is_recorded_without_one(tmp_path):
    model = nn.Linear(3, 1)
    batches = [(mg.Tensor(np.ones((4, 3))), mg.Tensor(np.ones((4, 1))))]
    fit(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.01), batches, record=tmp_path / "run.html", epochs=2)
    assert content(tmp_path / "run.html")["plane"] is None


def test_numbers_that_are_not_finite_are_spelt_out(tmp_path):
    model, history = nn.Linear(2, 1), History()
    record = Record(model, tmp_path / "run.html", (np.ones((3, 2)), np.array([0.5, np.inf, 1])))
    record.begin(history)
    model.weight.data[...] = np.nan
    history.add({"loss": float("nan")})
    record.close(history)
    found = content(tmp_path / "run.html")
    assert found["curves"][0]["values"] == ["nan"]
    assert found["frames"][1]["weight"] == ["nan"]
    assert set(found["frames"][1]["plane"]) == {" "}
    assert np.isnan(record.weights["Linear"][1])


def test_a_record_of_a_resumed_run_begins_where_the_run_does(tmp_path, time_enough):
    trained(epochs=2, checkpoint=tmp_path / "run.npz")
    _, history = trained(tmp_path / "run.html", checkpoint=tmp_path / "run.npz", resume=True)
    assert history.record.epochs == [2, 3, 4]
    assert content(tmp_path / "run.html")["rows"] == [1, 2, 3, 4]


def test_weights_and_gradients_by_layer_are_plotted(tmp_path):
    pytest.importorskip("matplotlib")
    _, history = trained(Record(nn.Linear(2, 2)), epochs=1)
    figure = history.record.plot().figure
    assert [axes.get_ylabel() for axes in figure.axes] == ["norm of gradient", "norm of weights"]


def test_an_interrupt_while_a_plane_is_drawn_leaves_the_weights_of_the_present(tmp_path, monkeypatch):
    plain, _ = trained(epochs=20)
    model, history = trained(Record(nn.Linear(2, 2)), epochs=1)
    record = Record(model, tmp_path / "run.html", data.moons(30))
    record.begin(history)
    record._write(history)
    for p, now in zip([*model.parameters(), *model.buffers()], [*plain.parameters(), *plain.buffers()], strict=True):
        p.data = now.data
    history.add({"loss": 1.0})

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_plane", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record.close(history)
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], value)
    assert len(content(tmp_path / "run.html")["frames"]) == 1  # the page as it was


SLOW = """
import sys, time
import micrograd_np as mg
from micrograd_np import data

class Slow(mg.nn.Linear):
    def forward(self, x):
        time.sleep(0.002)
        return super().forward(x)

model = Slow(2, 3)
train = data.DataLoader(data.TensorDataset(*data.blobs(100)), 10)
optimizer = mg.optim.SGD(model.parameters(), lr=0.01)
print("ready", flush=True)
mg.fit(model, mg.nn.CrossEntropyLoss(), optimizer, train, epochs=10_000, record=sys.argv[1], progress=False)
print("interrupted")
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_a_whole_page(tmp_path, how):
    path = tmp_path / "run.html"
    command = [sys.executable, "-c", SLOW, path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    end = time.monotonic() + 60
    while not path.exists() or len(content(path)["rows"]) < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(how)
    out, _ = process.communicate(timeout=60)
    assert out == ("interrupted\n" if how == signal.SIGINT else "")
    assert len(content(path)["rows"]) >= 3
