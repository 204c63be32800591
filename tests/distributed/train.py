"""A run of a few steps whose end is one hash, for the tests: started by a launcher, by Ray, or alone."""

import argparse
import contextlib
import hashlib
import os
import signal
from pathlib import Path

import numpy as np

import micrograd_np as mg
from micrograd_np import data, nn, optim
from micrograd_np.core.trees import leaves


def network(dtype="float64"):
    """Batch normalisation and dropout too: whatever depends on samples or on draws."""
    layers = nn.Linear(12, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 5)
    return nn.Sequential(*layers).to(dtype)


def loss(model, shard):
    """Cross-entropy with targets that are ignored, so that shards count differently: the sum, and how many count."""
    x, y = shard
    return nn.CrossEntropyLoss(reduction="sum", ignore_index=0)(model(x), y), (y != 0).sum()


def kill_once(path):
    """End this process by force, if it is the one that takes the file at `path` away; two workers may try."""
    with contextlib.suppress(FileNotFoundError):
        if path is not None:
            path.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class Schedule(optim.lr_scheduler.StepLR):
    """A schedule that ends the process at some steps."""

    killed = ()

    def step(self, *args):
        super().step(*args)
        if self.last_epoch in self.killed:
            os.kill(os.getpid(), signal.SIGKILL)

    def state_dict(self):
        return {name: x for name, x in super().state_dict().items() if name != "killed"}


def digest(*states):
    """SHA-256 of all arrays and numbers of some states."""
    sha = hashlib.sha256()
    for state in states:
        for path, x in leaves(state):
            sha.update(path.encode())
            sha.update(np.ascontiguousarray(x).tobytes() if isinstance(x, np.ndarray) else repr(x).encode())
    return sha.hexdigest()


def batch(number, dtype="float64", n=60):
    """Batch `number`: a function of its number alone."""
    rng = np.random.default_rng([7, number])
    return rng.normal(size=(n, 12)).astype(dtype), rng.integers(0, 5, n)


def parsed(arguments):
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="serial")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--elastic", action="store_true")
    parser.add_argument("--reduce", default="ordered")
    parser.add_argument("--kill", type=int, nargs=2, action="append", default=[], metavar=("RANK", "STEP"))
    parser.add_argument("--moment", choices=["before", "loss", "exchange", "update"], default="before")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--fit", action="store_true", help="by mg.fit, from a file in the folder of the checkpoint")
    parser.add_argument("--all", action="store_true", help="in float32 and float64, each eager and compiled")
    parser.add_argument("--every", type=int, nargs="*", help="numbers of workers, one after another")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Train in one way, or in all; returns the hash of weights, optimiser and random state of each."""
    options = parsed(arguments)
    if not options.all:
        return [run(options)]
    ways = [(dtype, compile) for dtype in ("float32", "float64") for compile in (False, True)]
    each = options.every or [options.workers]
    return [
        run(argparse.Namespace(**{**vars(options), "dtype": dtype, "compile": compile, "workers": workers}))
        for workers in each
        for dtype, compile in ways
    ]


def run(options):
    """Train, and return the hash of weights, optimiser and random state."""
    mg.manual_seed(0)
    model = network(options.dtype)
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    schedule = Schedule(optimizer, 20, 0.5)
    if options.fit:
        schedule.killed = [step for _, step in options.kill]
        return by_fit(model, optimizer, schedule, options)
    armed = options.checkpoint.with_name("armed") if options.checkpoint else None  # kills a worker of Ray

    def mortal_loss(model, shard):
        kill_once(armed)
        return loss(model, shard)

    f = mg.compile(loss) if options.compile else mortal_loss if options.kill else loss
    step = mg.distributed.data_parallel(
        f, model, optimizer, options.engine, reduce=options.reduce, clip=1.0, check_every=20, timeout=60,
        workers=options.workers, elastic=options.elastic,
    )  # fmt: skip
    run = {"model": model, "optimizer": optimizer, "schedule": schedule, "step": step, "random": mg.random.generator()}
    if options.checkpoint and options.checkpoint.exists():
        mg.load(options.checkpoint, into=run)
    first_rank = step.rank  # others are renumbered where one is lost

    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    while step.batches_done < options.steps:
        if [first_rank, step.batches_done] in options.kill:
            if options.engine == "ray":
                armed.touch()
            elif options.moment == "exchange":
                step.engine._reduced = die
            elif options.moment == "loss":
                step.work.run = die
            elif options.moment == "update":
                optimizer.update = die
            else:
                die()
        step(batch(step.batches_done, options.dtype))
        schedule.step()
        if options.checkpoint and step.rank == 0 and step.batches_done % 10 == 0:
            mg.save(run, options.checkpoint)
    sha = digest(model.state_dict(), optimizer.state_dict(), mg.random.get_state())
    if step.rank == 0:
        print(f"sha {sha} workers {step.size}\n", end="", flush=True)
    return sha


def by_fit(model, optimizer, schedule, options):
    """Train by `mg.fit` on a memory-mapped set, whose batches workers read shard by shard."""
    inputs, targets = options.checkpoint.with_name("x.npy"), options.checkpoint.with_name("y.npy")
    x, y = data.memory_map(inputs), data.memory_map(targets)
    jitter = lambda batch, rng: [batch[0] + rng.normal(size=batch[0].shape), batch[1]]
    loader = data.DataLoader(data.TensorDataset(x, y), 30, shuffle=True, transform=jitter, drop_last=True, prefetch=2)
    history = mg.fit(
        model, nn.CrossEntropyLoss(), optimizer, loader, epochs=6, validation=[batch(0)], scheduler=schedule, clip=1.0,
        scheduler_per="batch", checkpoint=options.checkpoint, resume="auto", distributed=options.engine,
        compile=options.compile, progress=False,
    )  # fmt: skip
    sha = digest(model.state_dict(), optimizer.state_dict(), mg.random.get_state(), history.rows)
    print(f"sha {sha}\n", end="", flush=True)
    return sha


if __name__ == "__main__":
    main()
