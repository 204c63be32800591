"""What goes wrong between ranks, one kind to a run: started by a launcher with the name of the kind."""

import os
import signal
import sys
import time

import numpy as np

import micrograd_np as mg
from micrograd_np import data, nn, optim


def loss(model, shard):
    """The mean squared error of a shard."""
    return nn.MSELoss()(model(shard[0]), shard[1])


def parts(outputs=4):
    """A model and its optimiser."""
    model = nn.Linear(3, outputs)
    return model, optim.SGD(model.parameters(), lr=0.01)


def main(kind):
    """Do what is wrong on rank 1."""
    if kind == "before MPI starts" and os.environ["PMI_RANK"] == "1":
        raise KeyError("no such file on rank 1")
    if kind == "before MPI starts":
        return mg.distributed.data_parallel(loss, *parts(), "mpi", timeout=1.5)
    from mpi4py import MPI

    rank = MPI.COMM_WORLD.rank
    wrong = rank == 1
    if kind == "before the step" and wrong:
        raise KeyError("no such file on rank 1")
    mg.manual_seed(wrong if kind == "parameters" else 0)
    model, optimizer = parts(5 if wrong and kind == "shapes" else 4)
    shards = 4 + (wrong and kind == "shards")
    engine = "serial" if wrong and kind == "alone" else "mpi"
    step = mg.distributed.data_parallel(
        loss, model, optimizer, engine, shards, check_every=5, allow_mixed="mixed" in kind,
        timeout=1.5 if kind in {"late", "ends early", "before the step", "alone"} else 60,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 4))
    if kind == "fast":
        return compared(model, x, y)
    if kind == "fit twice":
        return twice(model, optimizer, step, [(x, y)])
    if kind == "ctrl-c":
        return interrupted(model, optimizer, step, x, y, wrong)
    for number in range(20):
        if number == 7 and wrong:
            if kind == "exception":
                model.weight = nn.Parameter(np.ones((4, 7)))
            elif kind == "exception outside":
                raise KeyError("no such file on rank 1")
            elif kind == "late":
                time.sleep(30)
            elif kind == "batch":
                x, y = x[:36], y[:36]
            elif kind == "other data":
                x = x[::-1]
            elif kind == "drift":
                model.weight.data[0, 0] += 1e-9
            elif kind == "modes":
                model.eval()
            elif kind == "frozen":
                model.requires_grad_(False)
            elif kind == "steps":
                step.batches_done += 1
            elif kind == "ends early":
                return None
        if number == 7 and kind == "few samples":
            x, y = x[:3], y[:3]
        step((x, y))
    print(f"rank {rank} done\n", end="", flush=True)
    return None


def compared(model, x, y):
    """One step of each kind of sum from the same parameters."""
    start, ends = model.state_dict(), []
    for reduce in ("ordered", "fast"):
        model.load_state_dict(start)
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        mg.distributed.data_parallel(loss, model, optimizer, "mpi", reduce=reduce)((x, y))
        ends.append(model.weight.data.copy())
    np.testing.assert_allclose(*ends, rtol=1e-6)
    print("agrees\n", end="", flush=True)


def twice(model, optimizer, step, batches):
    """`fit`, whose checkpoint rank 0 is slow to write, and which every rank then reads; shown in lines."""
    sys.modules["tqdm"] = None
    for epochs in (2, 4):
        mg.fit(
            model, nn.MSELoss(), optimizer, batches, epochs=epochs, distributed=step, checkpoint=sys.argv[2],
            resume="auto", callbacks=[lambda history: time.sleep(0.3)],
        )  # fmt: skip
        saved = mg.load(sys.argv[2])["distributed"]["batches"]
        print(f"read {saved}\n", end="", flush=True)


def interrupted(model, optimizer, step, x, y, wrong):
    """`fit`, of which one rank is asked to stop."""
    count = iter(range(1000))

    def transform(batch, rng):
        if wrong and next(count) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return batch

    loader = data.DataLoader(data.TensorDataset(x, y), 20, transform=transform)
    history = mg.fit(model, nn.MSELoss(), optimizer, loader, epochs=50, distributed=step, progress=False)
    print(f"stopped {history.interrupted} after {step.batches_done}\n", end="", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
