"""Many processes learn the digits together, in the bits of one. Takes about five seconds alone.

Every batch is cut into eight shards; workers compute the gradients of theirs, and add them in one order whatever their
number, so that this prints the same accuracy however it is started:

    python examples/data_parallel.py                              this process alone
    mpiexec -n 4 python examples/data_parallel.py                 four processes of MPI, extra `mpi`
    python examples/data_parallel.py --engine ray                 tasks of Ray on this machine, extra `ray`

With --checkpoint run.npz, a run that was ended in any way continues, on any number of workers. On clusters:

    srun --ntasks 64 --cpus-per-task 1 python examples/data_parallel.py --shards 64 --checkpoint run.npz
        Slurm starts the processes; mpi4py must be built for the cluster's MPI (pip install --no-binary mpi4py mpi4py),
        `srun --mpi=list` shows which it knows, and the checkpoint lies on a file system that all nodes share.
        Write OPENBLAS_NUM_THREADS=1 before srun: every process must use as many threads as the others.
    ray start --head, then ray start --address=HEAD:6379 on each other machine, with the package installed on each, and
    RAY_ADDRESS=HEAD:6379 python examples/data_parallel.py --engine ray --shards 64
"""

# %%
import argparse
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import micrograd_np as mg


# %%
def main(engine="auto", epochs=20, shards=8, seed=0, checkpoint=None, out=".", compile=True):
    """Train; rank 0 prints the accuracy and leaves two pictures in the folder `out`. Returns what it found."""
    images, labels = load_digits(return_X_y=True)
    images = images / 16  # pixels are 0 to 16
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=seed
    )

    mg.random.manual_seed(seed)  # in every process, before anything is drawn
    model = mg.nn.Sequential(mg.nn.Linear(64, 128), mg.nn.ReLU(), mg.nn.Dropout(0.2), mg.nn.Linear(128, 10))
    criterion = mg.nn.CrossEntropyLoss()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    batches = mg.data.DataLoader(mg.data.TensorDataset(train_x, train_y), 128, shuffle=True, drop_last=True)

    def loss(model, shard):
        inputs, targets = shard
        return criterion(model(inputs), targets)

    step = mg.distributed.data_parallel(mg.compile(loss) if compile else loss, model, optimizer, engine, shards)
    history = mg.fit(
        model, criterion, optimizer, batches, epochs=epochs, distributed=step, checkpoint=checkpoint, resume="auto",
        validation=[(test_x, test_y)], metrics=[mg.training.accuracy],
    )  # fmt: skip
    result = {"losses": history["loss"], "test": history["validation accuracy"][-1]}
    if step.rank == 0:  # one process speaks, and writes
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        print(f"test accuracy {result['test']:.2%} of {len(test_x)} digits never seen, by {step.size} workers")
        model.eval()
        value = criterion(model(mg.Tensor(test_x[:32], name="images")), test_y[:32])
        result["graph"] = mg.draw(value).save(out / "data_parallel_graph.svg")
        result["curve"] = history.plot().save(out / "data_parallel_curve.svg")
        print(f"wrote the computation of one loss to {result['graph']} and the learning curve to {result['curve']}")
    return result


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.epilog, parser.formatter_class = __doc__.partition("\n\n")[2], argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--engine", choices=["auto", "serial", "mpi", "ray"], default="auto", help="who computes (auto)"
    )
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training digits (20)")
    parser.add_argument("--shards", type=int, default=8, help="parts of a batch; results depend on it (8)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--checkpoint", metavar="FILE.npz", help="written after each epoch, and continued from")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
