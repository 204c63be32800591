"""`fit`: what it returns, when it stops, what it leaves on disk, and that it is the loop one would write."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn, optim
from micrograd_np.data import DataLoader, TensorDataset, blobs
from micrograd_np.optim import lr_scheduler
from micrograd_np.storage import load
from micrograd_np.training import History, LintWarning, accuracy, confusion_matrix, evaluate, fit

ROOT = Path(mg.__file__).parents[1]


def setting(seed=0, lr=0.05):
    mg.random.manual_seed(seed)
    x, y = blobs(120, noise=0.4, generator=np.random.default_rng(1))
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = optim.Adam(model.parameters(), lr=lr)
    train = DataLoader(TensorDataset(x[:90], y[:90]), 30, shuffle=True)
    validation = DataLoader(TensorDataset(x[90:], y[90:]), 20)
    return model, nn.CrossEntropyLoss(), optimizer, train, validation


def weights(model):
    return [p.data.copy() for p in model.parameters()]


def equal(a, b):
    return all((x == y).all() for x, y in zip(a, b, strict=True))


def test_it_is_the_loop_that_one_would_write():
    model, loss, optimizer, train, _ = setting()
    history = fit(model, loss, optimizer, train, epochs=4, clip=1.0, progress=False)
    found = weights(model)
    model, loss, optimizer, train, _ = setting()
    losses = []
    for _ in range(4):
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            value = loss(model(x), y)
            value.backward()
            optim.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += value.item() * len(y)
        losses.append(total / 90)
    assert equal(found, weights(model))
    assert history["loss"] == losses


def test_a_compiled_fit_ends_in_the_same_bits():
    found = []
    for chosen in (False, True):
        model, loss, optimizer, train, _ = setting()
        fit(model, loss, optimizer, train, epochs=3, compile=chosen, progress=False)
        found.append(weights(model))
    assert equal(*found)


def test_validation_and_metrics_are_in_the_history():
    model, loss, optimizer, train, validation = setting()
    metrics = {"accuracy": accuracy, "confusion": confusion_matrix}
    history = fit(model, loss, optimizer, train, epochs=12, validation=validation, metrics=metrics, progress=False)
    assert len(history) == 12
    assert history["validation accuracy"][-1] > 0.9
    assert history["validation confusion"][-1].sum() == 30
    assert history["validation loss"][-1] < history["validation loss"][0]
    assert evaluate(model, loss, validation)["loss"] == history["validation loss"][-1]


def test_evaluation_leaves_every_module_in_its_mode():
    model, loss, _, _, validation = setting()
    model.train()
    model[0].eval()
    evaluate(model, loss, validation, [accuracy])
    assert [m.training for m in model.modules()] == [True, False, True, True]


def test_an_iterator_that_is_used_up_is_no_validation_set():
    model, loss, _, _, _ = setting()
    with pytest.raises(ValueError, match="pass a DataLoader"):
        evaluate(model, loss, iter([]))


def test_an_iterator_that_is_used_up_is_nothing_to_learn_from():
    model, loss, optimizer, train, _ = setting()
    with pytest.raises(ValueError, match="fit: there are no batches"):
        fit(model, loss, optimizer, iter(train), epochs=2, progress=False)


def test_patience_ends_it_and_leaves_the_best_weights():
    model, loss, optimizer, train, validation = setting(lr=3.0)  # too high: it soon gets worse
    history = fit(
        model, loss, optimizer, train, epochs=50, validation=validation, patience=3, progress=False, lint=False
    )
    assert len(history) == history.best + 4 < 50
    assert evaluate(model, loss, validation)["loss"] == min(history["validation loss"])


def test_a_scheduler_is_stepped_after_each_epoch():
    model, loss, optimizer, train, validation = setting()
    schedule = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    fit(model, loss, optimizer, train, epochs=3, scheduler=schedule, progress=False)
    assert optimizer.param_groups[0]["lr"] == 0.05 / 8
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=0)  # a falling loss is no better to it
    fit(model, loss, optimizer, train, epochs=3, validation=validation, scheduler=plateau, progress=False)
    assert optimizer.param_groups[0]["lr"] < 0.05 / 8


def test_a_scheduler_is_stepped_after_each_batch_where_wanted():
    model, loss, optimizer, train, _ = setting()
    schedule = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    fit(model, loss, optimizer, train, epochs=2, scheduler=schedule, scheduler_per="batch", progress=False)
    assert optimizer.param_groups[0]["lr"] == 0.05 / 2**6
    with pytest.raises(ValueError, match="'epoch' or 'batch'; found 'step'"):
        fit(model, loss, optimizer, train, scheduler=schedule, scheduler_per="step")


def test_a_resumed_fit_ends_in_the_same_bits(tmp_path):
    model, loss, optimizer, train, validation = setting()
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, 6)
    whole = fit(model, loss, optimizer, train, epochs=6, validation=validation, scheduler=schedule, progress=False)
    wanted = weights(model)

    path = tmp_path / "run.npz"
    for seed, epochs in ((0, 2), (99, 6)):
        model, loss, optimizer, train, validation = setting(seed)
        schedule = lr_scheduler.CosineAnnealingLR(optimizer, 6)
        part = fit(
            model, loss, optimizer, train, epochs=epochs, validation=validation, scheduler=schedule,
            checkpoint=path, resume=True, progress=False,
        )  # fmt: skip
    assert equal(weights(model), wanted)
    assert part.rows == whole.rows


def test_the_checkpoint_holds_the_weights_of_the_best_epoch(tmp_path):
    model, loss, optimizer, train, validation = setting(lr=3.0)
    path = tmp_path / "run.npz"
    history = fit(
        model, loss, optimizer, train, epochs=8, validation=validation, checkpoint=path, progress=False, lint=False
    )
    model.load_state_dict(load(path)["best"])
    assert evaluate(model, loss, validation)["loss"] == min(history["validation loss"])


def test_a_mistake_is_warned_of_once_on_the_first_step():
    _, loss, _, train, _ = setting()
    model = nn.Sequential(nn.Linear(2, 3), nn.Softmax(-1))
    with pytest.warns(LintWarning, match="remove the softmax") as found:
        fit(model, loss, optim.SGD(model.parameters(), lr=0.1), train, epochs=2, progress=False)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("call", "epochs", "handed_out"),
    [(6, 1, 1), (3, 1, 3), (5, 1, 3)],
    ids=["in an epoch", "at the last batch of an epoch", "while validating"],
)
def test_ctrl_c_ends_it_between_two_steps_and_resuming_goes_on_bit_for_bit(tmp_path, call, epochs, handed_out):
    model, loss, optimizer, train, validation = setting()
    whole = fit(model, loss, optimizer, train, epochs=4, validation=validation, progress=False)
    wanted = weights(model)

    class Interrupted(nn.CrossEntropyLoss):
        calls = 0

        def forward(self, input, target):
            Interrupted.calls += 1
            if Interrupted.calls == call:  # an epoch is three batches to learn from, and two of the evaluation
                os.kill(os.getpid(), signal.SIGINT)
            return super().forward(input, target)

    path = tmp_path / "run.npz"
    before = signal.getsignal(signal.SIGINT)
    model, _, optimizer, train, validation = setting()
    history = fit(
        model, Interrupted(), optimizer, train, epochs=4, validation=validation, checkpoint=path, progress=False
    )
    assert signal.getsignal(signal.SIGINT) is before
    assert history.interrupted
    assert len(history) == epochs
    assert train.state_dict()["handed_out"] == handed_out
    model, loss, optimizer, train, validation = setting(seed=5)
    history = fit(
        model, loss, optimizer, train, epochs=4, validation=validation, checkpoint=path, resume=True, progress=False
    )
    assert equal(weights(model), wanted)
    assert history.rows == whole.rows
    assert not history.interrupted


SLOW = """
import sys, time
import numpy as np
import micrograd_np as mg
from micrograd_np.data import DataLoader, TensorDataset

class Slow(mg.nn.Linear):
    ready = False

    def forward(self, x):
        if not self.ready:
            self.ready = True
            print("ready", flush=True)  # the loop is under way, however slow the machine
        time.sleep(0.02)
        return super().forward(x)

model = Slow(2, 1)
train = DataLoader(TensorDataset(np.ones((100, 2)), np.ones((100, 1))), 1)
optimizer = mg.optim.SGD(model.parameters(), lr=0.01)
history = mg.fit(model, mg.nn.MSELoss(), optimizer, train, epochs=1000, checkpoint=sys.argv[1])
print("interrupted" if history.interrupted else "finished", np.isfinite(model.weight.data).all())
"""


def test_ctrl_c_in_a_terminal_leaves_a_model_and_a_checkpoint(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, tmp_path / "run.npz"],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert out == "interrupted True\n", error
    assert load(tmp_path / "run.npz")["loader"]["handed_out"] > 0


@pytest.mark.parametrize("distributed", [None, "serial"])
def test_what_changes_between_epochs_changes_in_a_compiled_run_too(distributed):
    runs = []
    for compile in (False, True):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.BatchNorm1d(4), nn.Linear(4, 2))
        share, criterion = {"of the loss": 1.0}, nn.MSELoss()

        def change(history, model=model, share=share):
            if len(history) == 2:
                share["of the loss"] = 0.5
            elif len(history) == 4:
                model[1].p, model[2].eps = 0.1, 0.1

        def loss(output, target, share=share, criterion=criterion):
            return criterion(output, target) * share["of the loss"]

        rng = np.random.default_rng(0)
        batches = [(rng.normal(size=(16, 3)), rng.normal(size=(16, 2)))]
        history = fit(
            model, loss, optim.SGD(model.parameters(), lr=0.1), batches, epochs=6, compile=compile, lint=False,
            distributed=distributed, callbacks=[change], progress=False,
        )  # fmt: skip
        runs.append(history["loss"])
    assert runs[0] == runs[1]


def test_without_tqdm_a_line_tells_of_each_epoch(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    fit(*setting()[:4], epochs=2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]


def test_a_resumed_run_counts_on_in_its_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    for epochs in (1, 3):
        fit(*setting()[:4], epochs=epochs, checkpoint=tmp_path / "run.npz", resume="auto")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1/1", "epoch 2/3", "epoch 3/3"]


def test_with_tqdm_a_bar_counts_batches_and_those_of_a_run_that_it_resumes(tmp_path, capsys):
    pytest.importorskip("tqdm")
    for epochs in (1, 2):
        fit(*setting()[:4], epochs=epochs, checkpoint=tmp_path / "run.npz", resume="auto")
        assert f"{3 * epochs}/{3 * epochs}" in capsys.readouterr().err


def test_a_history_plots_its_numbers(tmp_path):
    pytest.importorskip("matplotlib")
    history = History()
    for loss in (3.0, 1.0, 2.0):
        history.add({"loss": loss, "validation loss": loss + 1, "validation accuracy": 1 / loss, "table": np.eye(2)})
    figure = history.plot(tmp_path / "curve.svg").figure
    assert (tmp_path / "curve.svg").stat().st_size > 1000
    assert [len(axes.lines) for axes in figure.axes] == [2, 1]
    assert list(figure.axes[0].lines[0].get_ydata()) == [3.0, 1.0, 2.0]
    assert history.best == 1
    with pytest.raises(ValueError, match="no best epoch yet"):
        History().best  # noqa: B018
    with pytest.raises(KeyError, match="there is no 'precision'; there are loss, validation loss"):
        history["precision"]
