"""What goes wrong with tasks of Ray, and what must go right: prints a line for each kind."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import numpy as np

import micrograd_np as mg
from micrograd_np import nn, optim


def main(folder):
    """Take some steps of each kind."""
    mg.manual_seed(0)
    model = nn.Linear(3, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 4))

    def traced(model, shard):
        with (folder / str(os.getpid())).open("a") as file:  # where a program is traced, and nowhere else
            file.write("x")
        return nn.MSELoss()(model(shard[0]), shard[1])

    def slow(model, shard):
        if (shard[0] > 99).any():
            time.sleep(20)
        return nn.MSELoss()(model(shard[0]), shard[1])

    step = mg.distributed.data_parallel(mg.compile(traced), model, optimizer, "ray", 4, workers=2, timeout=60)
    for _ in range(10):
        step((x, y))
    counts = [len(path.read_text()) for path in folder.iterdir()]
    print("traced at most", max(counts), "times in a process")
    step = mg.distributed.data_parallel(slow, model, optimizer, "auto", 4, workers=2, timeout=60)
    for batch, timeout in (((np.ones((40, 7)), y), 60), ((x * 1000, y), 1)):
        step.engine.timeout = timeout
        try:
            step(batch)
        except (ValueError, TimeoutError) as error:
            print(f"{isinstance(error, ValueError)} {error}")
    lock = Lock()
    try:
        mg.distributed.data_parallel(lambda model, shard: lock and slow(model, shard), model, optimizer, "ray")
    except TypeError as error:
        print(error, *error.__notes__)


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        main(Path(name))
