"""The most gradient vectors that a rank holds in a step beyond its parameters; started by a launcher, or alone."""

import sys
import tracemalloc

import numpy as np

import micrograd_np as mg
from micrograd_np import nn, optim


def main(shards=8, compiled=False, engine="mpi"):
    """Print the peak of memory in a third step, in gradient vectors."""
    mg.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(200, 200) for _ in range(20)])
    vector = sum(p.data.nbytes for p in model.parameters())
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    loss = lambda model, shard: (model(shard[0]) * shard[1]).mean()
    step = mg.distributed.data_parallel(
        mg.compile(loss) if compiled else loss, model, optimizer, engine, shards, check_every=0
    )
    x = np.random.default_rng(0).normal(size=(shards, 200))
    tracemalloc.start()
    step((x, x))
    step((x, x))
    for p in model.parameters():
        p.grad = None
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    step((x, x))
    peak = tracemalloc.get_traced_memory()[1] - before
    print(f"vectors {peak / vector:.2f} workers {step.size}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), "compiled" in sys.argv, *sys.argv[3:])
