"""What `fit` calls after each epoch: functions, and the writers of its numbers."""

import builtins
import pickle
import struct
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

import micrograd_np
from micrograd_np import nn, optim
from micrograd_np.compiler.running import program
from micrograd_np.data import DataLoader, TensorDataset
from micrograd_np.training import CSVLog, History, TensorBoard, fit


def test_a_short_last_batch_compiles_no_dispatch_anew(monkeypatch):
    """Two programs take turns, one for whole batches and one for the last: how each is called is written once."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((10, 3)), rng.standard_normal((10, 1))
    net = nn.Linear(3, 1)
    batches = DataLoader(TensorDataset(x, y), batch_size=4)
    counted = []
    compile = builtins.compile
    watched = SimpleNamespace(compile=lambda *args: counted.append(args[1]) or compile(*args))
    monkeypatch.setattr(program, "builtins", watched)
    counts = []
    note = lambda history: counts.append(len(counted))
    fit(net, nn.MSELoss(), optim.SGD(net.parameters(), lr=0.1), batches, epochs=6, compile=True, lint=False,
                 progress=False, callbacks=[note])  # fmt: skip
    assert counts[-1] == counts[2]


@pytest.mark.parametrize("change", [lambda net: setattr(net, "scale", 0.5), lambda net: setattr(net, "act", nn.ReLU())])
def test_a_callback_may_change_the_model_of_a_compiled_fit(change):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.act, self.scale = nn.Linear(3, 2), nn.Tanh(), 1.0

        def forward(self, x):
            return self.act(self.layer(x)) * self.scale

    rng = np.random.default_rng(0)
    batches = [(rng.standard_normal((4, 3)), rng.standard_normal((4, 2))) for _ in range(2)]
    weights = []
    for compiled in (False, True):
        micrograd_np.random.manual_seed(0)
        net = Net()
        optimizer, settings = optim.SGD(net.parameters(), lr=0.1), {"epochs": 3, "progress": False}
        fit(
            net,
            nn.MSELoss(),
            optimizer,
            batches,
            compile=compiled,
            callbacks=[lambda _, net=net: change(net)],
            **settings,
        )
        weights.append(net.layer.weight.data)
    assert np.array_equal(*weights)


def test_callbacks_are_called_after_each_epoch_and_closed_after_errors(tmp_path):
    class Watch:
        rows, closed = 0, False

        def __call__(self, history):
            self.rows = len(history)
            if self.rows == 2:
                raise KeyError("stop")

        def close(self):
            self.closed = True

    watch, log = Watch(), CSVLog(tmp_path / "run.csv")
    net = nn.Linear(1, 1)
    settings = {"epochs": 5, "progress": False, "lint": False}
    with pytest.raises(KeyError):
        fit(net, nn.MSELoss(), optim.SGD(net.parameters()), [(np.ones((2, 1)), np.ones((2, 1)))],
                     callbacks=[log, watch], **settings)  # fmt: skip
    assert (watch.rows, watch.closed) == (2, True)
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 3


def test_a_csv_log_has_each_epoch_once_and_new_columns_from_the_start(tmp_path):
    history, log = History(), CSVLog(tmp_path / "run.csv")
    history.add({"loss": 2.0})
    log(history)
    history.add({"loss": 1.0})
    log(history)
    assert (tmp_path / "run.csv").read_text() == "epoch,loss\n1,2.0\n2,1.0\n"
    history.add({"loss": 0.5, "accuracy": 1.0})
    log(history)
    assert (tmp_path / "run.csv").read_text() == "epoch,loss,accuracy\n1,2.0,\n2,1.0,\n3,0.5,1.0\n"


def records(octets):
    """The records of a TFRecord file: each is its length, a checksum of that, its bytes, and a checksum of those."""
    while octets:
        (length,) = struct.unpack("<Q", octets[:8])
        yield octets[12 : 12 + length]
        octets = octets[16 + length :]


def test_tensorboard_reads_what_is_written(tmp_path):
    history, log = History(), TensorBoard(tmp_path)
    for loss in (2.0, 1.0):
        history.add({"loss": loss, "validation loss": loss + 1})
        log(history)
    log.close()
    (file,) = tmp_path.iterdir()
    events = [Event.FromString(record) for record in records(file.read_bytes())]
    found = [(value.tag, event.step, value.simple_value) for event in events for value in event.summary.value]
    assert found == [("loss", 1, 2.0), ("validation/loss", 1, 3.0), ("loss", 2, 1.0), ("validation/loss", 2, 2.0)]


def test_writers_begin_anew_with_each_training(tmp_path):
    log, board = CSVLog(tmp_path / "run.csv"), TensorBoard(tmp_path / "board")
    for losses in ([3.0], [2.0, 1.0]):  # the second training is longer than the first
        history = History()
        for loss in losses:
            history.add({"loss": loss})
            log(history)
            board(history)
        board.close()
    assert (tmp_path / "run.csv").read_text() == "epoch,loss\n1,2.0\n2,1.0\n"
    events = [Event.FromString(x) for file in (tmp_path / "board").iterdir() for x in records(file.read_bytes())]
    assert {value.simple_value for event in events for value in event.summary.value} == {1.0, 2.0, 3.0}


def test_writers_are_copied_and_pickled_between_trainings(tmp_path):
    for log in (CSVLog(tmp_path / "run.csv"), TensorBoard(tmp_path)):
        history = History()
        history.add({"loss": 2.0})
        log(history)
        getattr(log, "close", int)()
        pickle.dumps(deepcopy(log))


def test_a_history_is_a_data_frame(tmp_path):
    history = History()
    history.add({"loss": 2.0})
    history.add({"loss": 1.0, "accuracy": 0.5})
    frame = history.to_frame()
    assert frame["loss"].tolist() == [2.0, 1.0]
    assert frame.index.tolist() == [1, 2]


@pytest.mark.parametrize("callbacks", [3, [None], [CSVLog]])
def test_callbacks_that_are_no_functions_are_refused(callbacks):
    net = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="callbacks"):
        fit(net, nn.MSELoss(), optim.SGD(net.parameters()), [(np.ones((2, 1)),) * 2], callbacks=callbacks)
