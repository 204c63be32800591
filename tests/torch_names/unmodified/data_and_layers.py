"""Data sets, samplers and loaders of many kinds, indexing, errors that scripts catch, and how layers print."""

import torch, random, os, sys
import numpy as np
from torch import nn
from torch.utils.data import (
    Dataset,
    DataLoader,
    Sampler,
    IterableDataset,
    BatchSampler,
    SequentialSampler,
    RandomSampler,
)
from torch.utils.data import default_collate
import torch.nn.functional as F
from functools import partial


def seed_everything(seed=42):
    random.seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


seed_everything()
print(torch.__version__[:1] >= "1", torch.cuda.device_count(), torch.get_num_threads() > 0)
torch.set_num_threads(1)
a = torch.rand(3)
torch.manual_seed(42)
b = torch.rand(3)
torch.manual_seed(42)
c = torch.rand(3)
print(torch.equal(b, c))
g = torch.Generator()
g.manual_seed(3)
print(torch.randperm(5, generator=g).sort().values, torch.randint(0, 10, (2, 3), generator=g).shape)


class DictData(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, i):
        return {"x": np.full(2, i, dtype=np.float32), "y": i, "name": f"n{i}", "f": float(i)}


for batch in DataLoader(DictData(), batch_size=2):
    print(batch)


class Pairs(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def pad_collate(batch):
    xs, ys = zip(*batch)
    lens = torch.tensor([len(x) for x in xs])
    return nn.utils.rnn.pad_sequence(xs, batch_first=True), torch.tensor(ys), lens


ds = Pairs([(torch.arange(n), n) for n in (1, 3, 2)])
for x, y, l in DataLoader(ds, batch_size=3, collate_fn=pad_collate):
    print(x, y, l)


class EvenFirst(Sampler):
    def __init__(self, data_source):
        self.n = len(data_source)

    def __iter__(self):
        return iter(list(range(0, self.n, 2)) + list(range(1, self.n, 2)))

    def __len__(self):
        return self.n


print([b["y"].tolist() for b in DataLoader(DictData(), batch_size=2, sampler=EvenFirst(DictData()))])
print(
    [
        b["y"].tolist()
        for b in DataLoader(DictData(), batch_sampler=BatchSampler(SequentialSampler(DictData()), 3, drop_last=False))
    ]
)


class Stream(IterableDataset):
    def __iter__(self):
        for i in range(5):
            yield torch.tensor([i, i * i])


for b in DataLoader(Stream(), batch_size=2):
    print(b)
for b in DataLoader(DictData(), batch_size=None):
    print(b["y"], type(b["x"]).__name__)
    break
dl = DataLoader(DictData(), batch_size=2, num_workers=2)
print([b["y"].tolist() for b in dl], len(dl))
print(default_collate([(1, 2.0), (3, 4.0)]))
# numpy interop
t = torch.arange(6).float().view(2, 3)
print(np.asarray(t), np.array(t).sum(), t.numpy().T.shape, t.mean().numpy(), np.sqrt(t.numpy()))
t.numpy()[0, 0] = 9
print(t)
print(
    torch.as_tensor([1, 2]),
    torch.from_numpy(np.float32([1, 2])),
    torch.tensor(np.float64(2.5)),
    torch.tensor(np.array([1, 2], dtype=np.int32)),
)
try:
    torch.ones(2, requires_grad=True).numpy()
except RuntimeError as e:
    print("RuntimeError")
print(
    torch.ones(2, requires_grad=True).detach().numpy(),
    float(torch.tensor(2.5)),
    int(torch.tensor(3)),
    bool(torch.tensor(1)),
)
print(
    f"{torch.tensor(2.5):.2f}",
    f"{torch.tensor(3):d}",
    "{:.3f}".format(torch.tensor(1.23456)),
    f"{torch.tensor([1.0, 2.0])}",
)
print(
    round(torch.tensor(2.567).item(), 2),
    max(torch.tensor([1, 5, 2])),
    sum(torch.tensor([1, 2])),
    sorted(torch.tensor([3, 1]).tolist()),
)
try:
    torch.ones(2).item()
except RuntimeError as e:
    print("RuntimeError")
except ValueError as e:
    print("ValueError", e)
try:
    torch.ones(2, 3) @ torch.ones(2, 3)
except RuntimeError as e:
    print("RuntimeError")
try:
    torch.ones(2, 3) + torch.ones(2, 4)
except RuntimeError as e:
    print("RuntimeError")
try:
    nn.Linear(2, 3)(torch.ones(2, 4))
except RuntimeError as e:
    print("RuntimeError")
try:
    bool(torch.ones(2))
except RuntimeError as e:
    print("RuntimeError")
try:
    torch.ones(2)[3]
except IndexError as e:
    print("IndexError")
try:
    torch.ones(2, 3).view(4)
except RuntimeError as e:
    print("RuntimeError")
try:
    nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0, 5]))
except Exception as e:
    print(type(e).__name__)
# scatter, gather, index
src = torch.arange(1, 11).reshape((2, 5))
index = torch.tensor([[0, 1, 2, 0]])
print(torch.zeros(3, 5, dtype=src.dtype).scatter_(0, index, src))
print(torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]])))
x = torch.arange(12).view(3, 4)
print(
    x[x > 5], x[[0, 2]], x[:, [1, 3]], x[torch.tensor([0, 1]), torch.tensor([1, 2])], x[..., None].shape, x[None].shape
)
print(
    x.index_select(1, torch.tensor([0, 2])),
    torch.masked_select(x, x > 9),
    x.nonzero()[:2],
    torch.nonzero(x > 9, as_tuple=True),
)
print(
    x.flip(0),
    torch.roll(x, 1, 1),
    torch.diag(torch.ones(2)),
    torch.tril(torch.ones(3, 3)),
    torch.cat((x, x)).shape,
    x.chunk(2, 1)[0],
    torch.split(x, [1, 2]),
    x.unbind(0)[0],
)
y = torch.zeros(5)
y[[1, 3]] = 1.0
y[0] += 2
print(y)
y.index_add_(0, torch.tensor([0, 0]), torch.tensor([1.0, 1.0]))
print(y)
print(x.expand(2, 3, 4).shape, x.unfold(1, 2, 1).shape, x.view(-1).shape, x.T, x.t().shape, x.to(torch.uint8).dtype)
print(
    torch.bincount(torch.tensor([0, 1, 1])),
    torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3),
    torch.bucketize(torch.tensor([3]), torch.tensor([1, 5])),
)
print(
    torch.cdist(torch.zeros(1, 2), torch.ones(1, 2)),
    F.cosine_similarity(torch.ones(1, 2), torch.ones(1, 2)),
    torch.dot(torch.ones(2), torch.ones(2)),
    torch.logsumexp(torch.ones(2), 0),
    torch.linalg.norm(torch.ones(4)),
)
print(
    x.dtype,
    x.float().dtype,
    (x / 2).dtype,
    (x + 1.5).dtype,
    (x * True).dtype,
    (torch.ones(1, dtype=torch.float64) + torch.ones(1)).dtype,
    (x == 1).dtype,
    torch.tensor(1.0).dtype,
)
z = x.clone()
z[0] = 100
print(x[0, 0], z[0, 0])
print(
    (x > 3).sum(),
    (x > 3).float().mean(),
    (x > 3).any(),
    (x > 3).all(),
    x.sum(dim=(0, 1)),
    x.float().mean(dim=0, keepdim=True),
    torch.median(torch.tensor([1.0, 3.0, 2.0])),
    torch.mode(torch.tensor([1, 1, 2])),
    torch.quantile(torch.tensor([1.0, 2.0, 3.0]), 0.5),
    x.amax(dim=1),
)
print(
    torch.isnan(torch.tensor([float("nan"), 1.0])),
    torch.isfinite(torch.tensor(1.0)),
    torch.finfo(torch.float32).eps,
    torch.iinfo(torch.int32).max,
    torch.pi,
)
print(
    F.mse_loss(torch.ones(2), torch.zeros(2), reduction="sum"),
    F.smooth_l1_loss(torch.ones(2), torch.zeros(2)),
    nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))(torch.zeros(2, 1), torch.ones(2, 1)),
    nn.L1Loss()(torch.ones(1), torch.zeros(1)),
    nn.HuberLoss()(torch.ones(1), torch.zeros(1)),
)
print(
    torch.func.grad(lambda x: (x**2).sum())(torch.tensor([1.0, 2.0])),
    torch.vmap(lambda a, b: (a * b).sum())(torch.ones(2, 3), torch.ones(2, 3)),
)
net = nn.Linear(2, 2)
print(isinstance(net, nn.Module), hasattr(net, "weight"), net.weight.data.dtype, net.weight.grad is None)
ema = {k: v.clone() for k, v in net.state_dict().items()}
for k, v in net.state_dict().items():
    ema[k].mul_(0.9).add_(v, alpha=0.1)
print(all(torch.allclose(ema[k], v) for k, v in net.state_dict().items()))
with torch.no_grad():
    for p in net.parameters():
        p.mul_(0).add_(1)
        p.clamp_(-1, 1)
print(net(torch.ones(1, 2)))
lbfgs = torch.optim.LBFGS(net.parameters(), lr=1, max_iter=5)


def closure():
    lbfgs.zero_grad()
    l = (net(torch.ones(1, 2)) ** 2).sum()
    l.backward()
    return l


print(lbfgs.step(closure))
scaler = torch.amp.GradScaler("cuda", enabled=False) if hasattr(torch, "amp") else None
print(
    nn.Sequential(
        nn.Linear(1, 1),
        nn.Flatten(),
        nn.Softmax(dim=1),
        nn.Dropout(),
        nn.LSTM(2, 3, batch_first=True),
        nn.Embedding(3, 2, padding_idx=0),
        nn.AvgPool2d(2),
        nn.LayerNorm(3),
        nn.GRU(2, 3, 2, bidirectional=True, dropout=0.1),
        nn.Conv1d(1, 2, 3, dilation=2, groups=1),
        nn.GroupNorm(1, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Upsample(scale_factor=2),
        nn.PReLU(),
        nn.ELU(),
        nn.BatchNorm1d(3, affine=False),
        nn.Hardtanh(),
        nn.Bilinear(1, 2, 3),
        nn.ConvTranspose2d(1, 2, 3, 2, 1, 1),
        nn.ZeroPad2d(1),
        nn.PixelShuffle(2),
        nn.CosineSimilarity(),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Unflatten(1, (2, 3)),
        nn.InstanceNorm2d(2),
        nn.RNNCell(2, 3),
        nn.LogSoftmax(dim=-1),
        nn.Threshold(0.1, 1),
    )
)
