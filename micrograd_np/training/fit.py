"""`fit`: the training loop that most people write, written once. All its parts work without it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from operator import length_hint
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from micrograd_np import random
from micrograd_np.compiler import compile as compiled
from micrograd_np.compiler.step import Compiled
from micrograd_np.core.messages import describe_value, must_be, require_type, require_value
from micrograd_np.core.settings import Positive, Size, check, rules_of
from micrograd_np.data.dataset import Dataset
from micrograd_np.data.loader import UnreadBatch
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.module_modes import modes_kept
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module
from micrograd_np.optim.clip import clip_grad_norm_
from micrograd_np.optim.lr_scheduler import ReduceLROnPlateau
from micrograd_np.optim.optimizer import Optimizer
from micrograd_np.storage import load, save
from micrograd_np.storage.files import encoder_for

from .history import History, described_row
from .interrupt import Interrupt
from .lint import LintWarning
from .lint import lint as check_step
from .progress import Progress
from .record import Record

Metric = Callable[[Any, Any], Any]

_NOT_FINITE = (
    "the loss is {} in epoch {}. Lower the learning rate, or give clip=1.0; fit inside mg.detect_nonfinite() stops at "
    "the operation that made it."
)
_NO_BATCHES = "there are no batches; an iterator that is used up has none left, pass a DataLoader."


def fit(  # noqa: PLR0915  one loop, to be read from top to bottom
    model: Module,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer,
    train: Iterable[Any],
    *,
    epochs: Size = 10,
    validation: Iterable[Any] | None = None,
    metrics: Mapping[str, Metric] | Iterable[Metric] = (),
    scheduler: Any = None,
    scheduler_per: Annotated[str, "epoch", "batch"] = "epoch",
    clip: Positive | None = None,
    patience: Size | None = None,
    checkpoint: str | Path | None = None,
    resume: bool | str = False,
    compile: bool = False,
    lint: bool = True,
    progress: bool = True,
    record: str | Path | Record | None = None,
    callbacks: Iterable[Callable[[History], Any]] = (),
    distributed: Any = None,
) -> History:
    """Train `model` for `epochs` passes over `train`, batches ``(inputs…, targets)``; returns the `History`.

    - `validation`: batches to evaluate after each epoch, with `metrics`: functions of all predictions and targets.
    - `scheduler`: stepped after each epoch, or with ``scheduler_per="batch"`` after each batch.
    - `clip`: the largest norm of all gradients together.
    - `patience`: stop after so many epochs without a lower validation loss, and restore the weights of the best epoch.
    - `checkpoint`: a file that holds the whole run after each epoch; with `resume`, True or "auto", training
      continues from it, bit for bit, or begins where there is none. ``mg.load(checkpoint)["best"]`` are the weights of
      the best epoch.
    - `record`: a web page (.html) that replays the training: losses, predictions over the plane of two inputs, weights
      and gradients by layer; or a `Record`, for more settings. It is whole at any time, takes at most 5 % of the time
      of training, and changes no bit of it. ``history.record.plot()`` shows weights and gradients over the epochs.
    - `callbacks`: functions that are called with the history after each epoch, such as `CSVLog` and `TensorBoard`; one
      that returns True ends training. One that has a method `close` is closed at the end, after errors too. With
      `distributed`, rank 0 alone calls them, and none can end training.
    - `compile`: run each step as a compiled program. `lint`: check the first step and warn about likely mistakes.
    - `distributed`: the engine, or the step, of `mg.distributed.data_parallel` that computes gradients. Each worker
      reads the shards of a DataLoader that it needs; rank 0 alone shows progress, records, and writes the checkpoint,
      from which any number of workers may continue. Validation is done by every rank, and the first step not checked.

    `train` and `validation` are batches: a DataLoader, or a list of tuples, ``[(x, y)]`` for one batch of everything.
    The pair ``(x, y)`` itself, which would be two batches, is a TypeError that says so; so is a Dataset.

    Ctrl-C ends training between two steps: the model is usable, the checkpoint saved, and `interrupted` set; a second
    one raises KeyboardInterrupt. Without `validation`, "best" means the lowest training loss. ValueError if an epoch
    has no batches.

    >>> from micrograd_np import data, nn, optim
    >>> x, y = data.blobs(90, generator=random.manual_seed(0))
    >>> model = nn.Linear(2, 3)
    >>> optimizer = optim.Adam(model.parameters(), lr=0.1)
    >>> batches = data.DataLoader(data.TensorDataset(x, y), batch_size=30)
    >>> history = fit(model, nn.CrossEntropyLoss(), optimizer, batches, epochs=5, progress=False)
    >>> history["loss"][-1] < history["loss"][0]
    True
    """
    settings = {"epochs": epochs, "clip": clip, "patience": patience, "scheduler_per": scheduler_per}
    check("fit", rules_of(fit), settings)
    _check_parts("fit", model, loss, metrics)
    steps = all(callable(getattr(optimizer, name, None)) for name in ("step", "zero_grad"))
    suits = steps and not isinstance(optimizer, type)
    require_type("fit", "optimizer", optimizer, suits, "an optimiser, such as optim.SGD(…)")
    train = _batches("fit", "train", train)
    validation = None if validation is None else _batches("fit", "validation", validation)
    for name, path in (("checkpoint", checkpoint), ("record", record)):
        suits = path is None or isinstance(path, (str, Path)) or (name == "record" and isinstance(path, Record))
        require_type("fit", name, path, suits, "the name of a file")
    require_value("fit", "resume", resume, resume in {True, False, "auto"}, 'True, False or "auto"')
    suits = hasattr(scheduler, "step") and not isinstance(scheduler, type)
    require_type("fit", "scheduler", scheduler, scheduler is None or suits, "a schedule, such as StepLR(optimizer, 10)")
    main = True
    if distributed is not None:
        distributed = _distributed(distributed, model, loss, optimizer, clip, compile=compile)
        main, lint = distributed.rank == 0, False
    if checkpoint is not None and main:
        encoder_for(Path(checkpoint))  # which says now, and not after an epoch, if there is none
    history = History()
    ended = False  # by a callback
    running = {"total": 0.0, "samples": 0, "batches": 0}  # of the epoch under way
    run = {"model": model, "optimizer": optimizer, "history": history, "random": random.generator()}
    run |= {name: x for name, x in (("scheduler", scheduler), ("loader", train)) if hasattr(x, "state_dict")}
    if distributed is not None:
        run["distributed"] = distributed
    best = model.state_dict()
    if resume and checkpoint is not None and Path(checkpoint).exists():
        saved = load(checkpoint, into=run)
        running, best = saved["running"], saved["best"]

    def step(*batch: Any, check: bool = False) -> Tensor:
        *inputs, targets = batch
        optimizer.zero_grad()
        value = loss(model(*inputs), targets)
        for finding in check_step(model, value, optimizer) if check else ():
            warnings.warn(finding, LintWarning, stacklevel=3)
        value.backward()
        if clip is not None:
            clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return value

    if record is not None and main:
        history.record = record if isinstance(record, Record) else Record(model, record, train)
        history.record.begin(history)
    callbacks = _callbacks(callbacks)
    run_step = compiled(step) if compile else step
    batches = length_hint(train) or None
    done = len(history) * (batches or 0) + int(running["batches"])
    bar = Progress(epochs, batches, done, shown=progress and main)
    with ExitStack() as stack:
        for f in callbacks:
            stack.callback(getattr(f, "close", bool))
        interrupt = stack.enter_context(Interrupt())
        for epoch in range(len(history), epochs):
            model.train()
            for batch in train if distributed is None else distributed.batches(train):
                unread = isinstance(batch, UnreadBatch)
                if not unread:
                    _check_batch("fit", "train", batch)
                if distributed is None:
                    value = step(*batch, check=True) if lint else run_step(*batch)
                    stop = interrupt.requested
                else:
                    distributed.stop = interrupt.requested
                    value = distributed(batch)
                    stop = distributed.stop  # of any rank: all stop after the same step
                lint = False
                samples = len(batch if unread else batch[-1])
                running["total"] += value.item() * samples
                running["samples"] += samples
                running["batches"] += 1
                if scheduler is not None and scheduler_per == "batch":
                    scheduler.step()
                bar.advance()
                if stop:
                    break
            if not running["batches"]:
                raise ValueError(f"fit: {_NO_BATCHES}")
            if not stop or running["batches"] == batches:
                row = {"loss": running["total"] / running["samples"]}
                if main and not np.isfinite(row["loss"]) and np.isfinite(history["loss"]).all():  # the first such
                    warnings.warn(_NOT_FINITE.format(row["loss"], epoch + 1), LintWarning, stacklevel=2)
                running = dict.fromkeys(running, 0)
                if validation is not None:
                    row |= {f"validation {k}": v for k, v in evaluate(model, loss, validation, metrics).items()}
                history.add(row)
                bar.report(epoch + 1, described_row(row))
                if history.record is not None:
                    history.record.add(history)
                if distributed is None or distributed.rank == 0:  # it may have become rank 0
                    ended = True in [f(history) for f in callbacks]
                    if ended and distributed is not None:
                        raise ValueError("fit: a callback cannot end distributed training; use patience.")
                if history.best == epoch:
                    best = model.state_dict()
                if scheduler is not None and scheduler_per == "epoch":
                    scheduler.step(*([row[history.watched]] if isinstance(scheduler, ReduceLROnPlateau) else []))
            stop = interrupt.requested if distributed is None else stop  # while validating
            history.interrupted = stop
            if checkpoint is not None and (distributed is None or distributed.rank == 0):  # it may have become rank 0
                save({**run, "running": running, "best": best}, checkpoint)
            stalled = patience is not None and epoch - history.best >= patience
            if stop or stalled or ended:
                break
    bar.close()
    if distributed is not None:
        distributed.wait()  # for the checkpoint
    if history.record is not None:
        history.record.close(history)
    if patience is not None and not history.interrupted:
        model.load_state_dict(best)
    return history


def evaluate(
    model: Module,
    loss: Callable[[Any, Any], Tensor],
    batches: Iterable[Any],
    metrics: Mapping[str, Metric] | Iterable[Metric] = (),
) -> dict[str, Any]:
    """The loss of `model`, averaged over samples, and `metrics` of all predictions, in evaluation mode without a graph.

    Metrics are a dict of functions, or functions whose names are used. Afterwards each module is in its former mode.
    ValueError if there are no batches.

    >>> from micrograd_np import data, nn, training
    >>> batches = data.DataLoader(data.TensorDataset(*data.sine(n=20)), batch_size=5)
    >>> sorted(training.evaluate(nn.Linear(1, 1), nn.MSELoss(), batches))
    ['loss']
    """
    _check_parts("evaluate", model, loss, metrics)
    batches = _batches("evaluate", "batches", batches)
    metrics = metrics if isinstance(metrics, Mapping) else {m.__name__: m for m in metrics}
    total, predictions, truths = 0.0, [], []
    with modes_kept(model), no_grad():
        model.eval()
        for batch in batches:
            _check_batch("evaluate", "batches", batch)
            *inputs, targets = batch
            prediction = model(*inputs)
            total += loss(prediction, targets).item() * len(targets)
            predictions.append(prediction.data)
            truths.append(getattr(targets, "data", targets))
    if not truths:
        raise ValueError(f"evaluate: {_NO_BATCHES}")
    predicted, true = np.concatenate(predictions), np.concatenate(truths)
    return {"loss": total / len(true), **{name: metric(predicted, true) for name, metric in metrics.items()}}


def _distributed(step: Any, model: Any, loss: Any, optimizer: Any, clip: Any, *, compile: bool) -> Any:
    """The step of a name of an engine, or `step` itself; ValueError if it belongs to another model or optimiser."""
    from micrograd_np.distributed import DataParallel, data_parallel

    if isinstance(step, str):

        def mean(model: Any, shard: Any) -> Tensor:
            *inputs, targets = shard
            return loss(model(*inputs), targets)

        return data_parallel(compiled(mean) if compile else mean, model, optimizer, step, clip=clip)
    steps = 'the name of an engine, such as "mpi", or a step of mg.distributed.data_parallel'
    require_type("fit", "distributed", step, isinstance(step, DataParallel), steps)
    if step.work.model is not model or step.optimizer is not optimizer:
        raise ValueError("fit: distributed is a step of another model or optimiser; make it of the ones given here.")
    if compile and not isinstance(step.work.loss, Compiled):
        raise ValueError("fit: compile comes too late for a step of mg.distributed; make it of mg.compile(loss).")
    if clip is not None:
        step.clip = clip
    return step


def _check_parts(caller: str, model: Any, loss: Any, metrics: Any) -> None:
    """TypeError for a class or a name where a module or a function is needed."""
    require_type(caller, "model", model, isinstance(model, Module), "a Module")
    function = callable(loss) and not isinstance(loss, type)
    require_type(caller, "loss", loss, function, "a function of prediction and target, such as nn.MSELoss()")
    functions = "functions of predictions and targets, such as [training.accuracy]"
    require_type(caller, "metrics", metrics, isinstance(metrics, Iterable) and not isinstance(metrics, str), functions)
    for metric in metrics.values() if isinstance(metrics, Mapping) else metrics:
        require_type(caller, "metrics", metric, callable(metric), functions)


def _callbacks(callbacks: Any) -> list[Callable[[History], Any]]:
    """The functions of `callbacks`; TypeError for anything else."""
    functions = "functions of the history, such as [training.CSVLog('run.csv')]"
    require_type("fit", "callbacks", callbacks, isinstance(callbacks, Iterable), functions)
    listed = list(callbacks)
    for f in listed:
        require_type("fit", "callbacks", f, callable(f) and not isinstance(f, type), functions)
    return listed


def _batches(caller: str, name: str, batches: Any) -> Any:
    """`batches`; TypeError for a data set or a pair of arrays, whose elements would be taken for batches."""
    if isinstance(batches, (tuple, list)) and batches and all(getattr(x, "ndim", 0) for x in batches):
        shapes = " and ".join(str(x.shape) for x in batches[:3])
        names = "(x, y)" if len(batches) == 2 else "(x, …, y)"
        kind = f"{'a tuple' if isinstance(batches, tuple) else 'a list'} of arrays, {shapes}"
        remedy = f"[{names}] for one batch of all, or DataLoader(TensorDataset{names}, batch_size=32)"
    elif isinstance(batches, Dataset):
        kind = f"{describe_value(batches)}, whose elements are single samples"
        remedy = "DataLoader(dataset, batch_size=32)"
    elif not isinstance(batches, Iterable):
        kind, remedy = describe_value(batches), "DataLoader(TensorDataset(x, y), batch_size=32)"
    else:
        return batches
    raise TypeError(must_be(caller, name, "batches, each a tuple (inputs…, targets)", kind, f"Write {remedy}."))


def _check_batch(caller: str, name: str, batch: Any) -> None:
    needed = "a tuple or list (inputs…, targets)"
    if isinstance(batch, (tuple, list)) and len(batch) < 2:
        value = f"{describe_value(batch)} of {len(batch)}, without targets"
        raise TypeError(must_be(caller, f"each batch of {name}", needed, value, "Write TensorDataset(x, y)."))
    require_type(caller, f"each batch of {name}", batch, isinstance(batch, (tuple, list)), needed)
