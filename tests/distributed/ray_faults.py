"""What goes wrong with tasks of Ray, and what must go right, one kind to a run."""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import micrograd_np as mg
from micrograd_np import nn, optim


def main(kind, folder):
    """Take some steps."""
    mg.manual_seed(0)
    model = nn.Linear(3, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    def loss(model, shard):
        if kind == "late" and (shard[0] > 99).any():
            time.sleep(20)
        if kind == "traces":  # this line runs where a program is traced, and nowhere else
            with (folder / str(os.getpid())).open("a") as file:
                file.write("x")
        return nn.MSELoss()(model(shard[0]), shard[1])

    f = mg.compile(loss) if kind == "traces" else loss
    step = mg.distributed.data_parallel(f, model, optimizer, "ray", 4, workers=2, timeout=60)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 4))
    step((x, y))
    if kind == "exception":
        step((np.ones((40, 7)), y))
    if kind == "late":
        step.engine.timeout = 1
        step((x * 1000, y))
    for _ in range(10):
        step((x, y))
    counts = [len(path.read_text()) for path in folder.iterdir()]
    if counts and max(counts) <= 2:  # where the first trace made what was not there, there is another
        print("traced once in each process\n", end="", flush=True)


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        main(sys.argv[1], Path(name))
