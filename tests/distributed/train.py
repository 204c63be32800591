"""A run of a few steps whose end is one hash, for the tests: started by a launcher, by Ray, or alone."""

import argparse
import hashlib
import os
import signal

import numpy as np

import micrograd_np as mg
from micrograd_np import data, nn, optim


def network(dtype):
    """Batch normalisation and dropout too: whatever depends on samples or on draws."""
    layers = nn.Linear(12, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 5)
    return nn.Sequential(*layers).to(dtype)


def loss(model, shard):
    """Cross-entropy with targets that are ignored, so that shards count differently: the sum, and how many count."""
    x, y = shard
    return nn.CrossEntropyLoss(reduction="sum", ignore_index=0)(model(x), y), (y != 0).sum()


def digest(*states):
    """SHA-256 of all arrays and numbers of some states."""
    sha = hashlib.sha256()
    for state in states:
        for path, x in mg.core.trees.leaves(state):
            sha.update(path.encode())
            sha.update(np.ascontiguousarray(x).tobytes() if isinstance(x, np.ndarray) else repr(x).encode())
    return sha.hexdigest()


def batches(dtype, step, n=60):
    """Batch number `step`: a function of its number alone."""
    rng = np.random.default_rng([7, step])
    return rng.normal(size=(n, 12)).astype(dtype), rng.integers(0, 5, n)


def main(arguments=None):
    """Train, and return the hash of weights, optimiser and random state."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="serial")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--reduce", default="ordered")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--elastic", action="store_true")
    parser.add_argument("--kill", type=int, nargs=2, metavar=("RANK", "STEP"), help="a rank ends itself there")
    parser.add_argument("--checkpoint")
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args(arguments)
    mg.manual_seed(0)
    model = network(options.dtype)
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.StepLR(optimizer, 20, 0.5)
    f = mg.compile(loss) if options.compile else loss
    step = mg.distributed.data_parallel(
        f, model, optimizer, options.engine, reduce=options.reduce, clip=1.0, check_every=20, timeout=options.timeout,
        workers=options.workers, elastic=options.elastic,
    )  # fmt: skip
    run = {"model": model, "optimizer": optimizer, "schedule": schedule, "step": step, "random": mg.random.generator()}
    if options.checkpoint and os.path.exists(options.checkpoint):
        mg.load(options.checkpoint, into=run)
    mortal = step.rank  # a rank keeps its number even if others are lost
    while step.batches_done < options.steps:
        if options.kill == [mortal, step.batches_done]:
            os.kill(os.getpid(), signal.SIGKILL)
        step(batches(options.dtype, step.batches_done))
        schedule.step()
        if options.checkpoint and step.rank == 0 and step.batches_done % 10 == 0:
            mg.save(run, options.checkpoint)
    sha = digest(model.state_dict(), optimizer.state_dict(), mg.random.get_state())
    if step.rank == 0:
        print("sha", sha, "workers", step.size, flush=True)
    return sha


if __name__ == "__main__":
    main()
