"""Unlike most: few parameters, uneven shards, LBFGS, accumulation, what is not reached, a teacher, a stream."""

import sys

import numpy as np

import micrograd_np as mg
from micrograd_np import data, nn, optim


class Stream(data.IterableDataset):
    """Samples of an array and a number, from what cannot travel."""

    def __init__(self):
        self.lines = iter(())

    def __iter__(self):
        rng = np.random.default_rng(5)
        return ((rng.normal(size=3), float(i)) for i in range(50))


def ends(engine):
    """The names of the kinds, with the bytes of the parameters that each ends with."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))

    def loss(model, shard):
        return nn.MSELoss()(model(shard[0]), shard[1])

    def branches(model, shard):
        first = (shard[0].ravel()[0] > 0.5).item()  # in some shards the second layer is not used
        return (model[0](shard[0]) if first else model[1](model[0](shard[0]))).square().mean()

    def trained(name, f, model, optimizer, shards, accumulate=False):
        step = mg.distributed.data_parallel(f, model, optimizer, engine, shards, check_every=1)
        for _ in range(4):
            if accumulate:
                step.accumulate((x[:17], y[:17]))
            step((x, y))
        return name, b"".join(p.data.tobytes() for p in model.parameters())

    mg.manual_seed(0)
    single = nn.Sequential(nn.Linear(3, 1, bias=False))
    yield trained("few", lambda m, s: m(s[0]).square().mean(), single, optim.SGD(single.parameters(), lr=0.1), 8)
    for shards in (5, 7, 13, 30):
        model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
        yield trained(f"{shards} shards", loss, model, optim.NAdam(model.parameters(), lr=0.1), shards)
    model = nn.Linear(3, 2)
    yield trained("LBFGS", loss, model, optim.LBFGS(model.parameters(), max_iter=5), 8)
    model = nn.Linear(3, 2).to("float16")
    yield trained("float16", loss, model, optim.SGD(model.parameters(), lr=0.1), 6)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    yield trained("accumulated", loss, model, optim.Adam(model.parameters(), lr=0.1), 8, accumulate=True)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    yield trained("not reached", branches, model, optim.AdamW(model.parameters(), lr=0.1), 8)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    yield trained("frozen", loss, model, optim.Muon([model[1].weight], lr=0.1), 8)

    every = [cls for cls in vars(optim).values() if isinstance(cls, type) and issubclass(cls, optim.Optimizer)]
    for cls in sorted({*every} - {optim.Optimizer}, key=lambda cls: cls.__name__):
        model = nn.Linear(3, 2, bias=False)
        yield trained(cls.__name__, loss, model, cls(model.parameters(), lr=0.01), 8)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    step = mg.distributed.data_parallel(loss, model, optimizer, engine)
    for number in range(4):
        model[0].requires_grad_(number % 2 == 0)
        step((x, y))
    yield "frozen for a while", b"".join(p.data.tobytes() for p in model.parameters())

    def follows(model, shard):
        return (model["student"](shard[0]) - model["teacher"](shard[0]).detach() - 1).square().mean()

    model = nn.ModuleDict({"student": nn.Linear(3, 2), "teacher": nn.Linear(3, 2)})
    optimizer = optim.Adam(model["student"].parameters(), lr=0.1)
    step = mg.distributed.data_parallel(mg.compile(follows), model, optimizer, engine)
    for number in range(6):
        step((x, y))
        if number == 3:  # from now on, the other learns too
            optimizer.add_param_group({"params": list(model["teacher"].parameters()), "lr": 0.01})
        model["teacher"].weight.data[...] += 0.5 * model["student"].weight.data
    yield "teacher", b"".join(p.data.tobytes() for p in model.parameters())
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loader = data.DataLoader(
        Stream(), 20, drop_last=True, transform=lambda batch, rng: [batch[0] + rng.normal(), batch[1]]
    )
    step = mg.distributed.data_parallel(lambda m, s: (m(s[0])[:, 0] - s[1]).square().mean(), model, optimizer, engine)
    for batch in step.batches(loader):
        step(batch)
    yield "stream", model.weight.data.tobytes()


if __name__ == "__main__":
    lines = [f"{name} {end.hex()}" for name, end in ends(sys.argv[1])]
    print("\n".join(lines) + "\n", end="", flush=True)
