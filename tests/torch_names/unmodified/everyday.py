"""Everyday calls and what they print: checkpoints, losses, accuracies, shapes, draws, loops over tensors, NumPy."""

import torch, math, sys, os, tempfile, collections, itertools
import torch.nn as nn
import torch.nn.functional as F
import numpy as np
from torch.utils.data import DataLoader, Dataset

# saving & loading variants
d = tempfile.mkdtemp()
net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
for i, p in enumerate(net.parameters()):
    p.data.fill_(0.1 * (i + 1))
PATH = os.path.join(d, "net.pth")
torch.save(net.state_dict(), PATH)
net2 = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
print(net2.load_state_dict(torch.load(PATH)))
print(
    net2.load_state_dict(torch.load(PATH, map_location=torch.device("cpu"))),
    net2.load_state_dict(torch.load(PATH, map_location=lambda storage, loc: storage)),
)
import io

buf = io.BytesIO()
torch.save({"a": torch.ones(2), "b": [1, 2.5, "x", None, True], "c": (torch.zeros(1, dtype=torch.int64),)}, buf)
buf.seek(0)
print(torch.load(buf))
torch.save(torch.arange(3), PATH)
print(torch.load(PATH))
torch.save([torch.ones(1), {"lr": 1e-3}], PATH)
print(torch.load(PATH))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
net(torch.ones(4, 2)).sum().backward()
opt.step()
torch.save(
    {"net": net.state_dict(), "opt": opt.state_dict(), "epoch": 3, "rng": torch.get_rng_state() if False else None},
    PATH,
)
ck = torch.load(PATH)
opt2 = torch.optim.Adam(net2.parameters(), lr=5.0)
opt2.load_state_dict(ck["opt"])
print(opt2.param_groups[0]["lr"], len(opt2.state), ck["epoch"], sorted(opt.state[net[0].weight].keys()))
for state in opt.state.values():
    for k, v in state.items():
        if isinstance(v, torch.Tensor):
            state[k] = v.to("cpu")
print(list(ck["net"])[:2], ck["net"]["0.weight"].requires_grad)
sd = net.state_dict()
new = collections.OrderedDict((k.replace("0.", "first."), v) for k, v in sd.items())
print(list(new)[:2])
sd["0.weight"][0, 0] = 7.0
print(net[0].weight[0, 0].item())
# losses
x = torch.tensor([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]], requires_grad=True)
t = torch.tensor([2, 0])
for l in (
    nn.CrossEntropyLoss(),
    nn.CrossEntropyLoss(reduction="none"),
    nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0])),
    nn.CrossEntropyLoss(ignore_index=0),
    nn.NLLLoss(),
    nn.MultiMarginLoss(),
):
    print(l(F.log_softmax(x, 1) if isinstance(l, nn.NLLLoss) else x, t))
print(
    F.cross_entropy(x, torch.softmax(torch.ones(2, 3), 1)),
    F.binary_cross_entropy_with_logits(x, torch.ones(2, 3)),
    F.kl_div(F.log_softmax(x, 1), F.softmax(torch.ones(2, 3), 1), reduction="batchmean"),
    F.triplet_margin_loss(x, x, x + 1),
    F.margin_ranking_loss(x, x + 1, torch.ones(2, 3)),
    nn.TripletMarginLoss()(x, x, x),
    F.l1_loss(x, torch.zeros(2, 3)),
    F.gaussian_nll_loss(x, x, torch.ones(2, 3)),
    F.poisson_nll_loss(x, x),
)
print(
    nn.MSELoss()(x, x).item(),
    nn.BCELoss()(torch.sigmoid(x), torch.ones(2, 3)),
    nn.CTCLoss()(F.log_softmax(torch.zeros(4, 1, 3), 2), torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2])),
)
# accuracy patterns
logits = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
y = torch.tensor([1, 0, 0])
print(
    (logits.argmax(1) == y).float().mean(),
    (logits.argmax(1) == y).sum().item() / len(y),
    logits.max(1)[1].eq(y).sum(),
    logits.data.max(1, keepdim=True)[1].eq(y.data.view_as(logits.data.max(1, keepdim=True)[1])).cpu().sum(),
    torch.max(logits, 1)[0],
)
print(
    "Accuracy: {}/{} ({:.0f}%)".format(
        (logits.argmax(1) == y).sum(), len(y), 100.0 * (logits.argmax(1) == y).sum() / len(y)
    )
)
print(
    "loss: %.3f" % F.nll_loss(F.log_softmax(logits, dim=1), y),
    f"{logits.mean():.3f} {logits.sum().item():>7.2f}",
    "%d" % torch.tensor(3),
    round(float(logits[0, 0]), 3),
)
cm = torch.zeros(2, 2, dtype=torch.int64)
for a, b in zip(y, logits.argmax(1)):
    cm[a.long(), b.long()] += 1
print(cm, cm.diag().float() / cm.sum(1))
_, top = logits.topk(1, 1, True, True)
correct = top.t().eq(y.view(1, -1).expand_as(top.t()))
print(correct[:1].reshape(-1).float().sum(0, keepdim=True).mul_(100.0 / 3))
# shapes
a = torch.arange(24.0).view(2, 3, 4)
print(
    a.flatten().shape,
    a.flatten(1).shape,
    a.unflatten(2, (2, 2)).shape,
    a.swapaxes(0, 1).shape,
    a.movedim(0, -1).shape,
    a.mT.shape,
    a.reshape(-1, 4).shape,
    a.view(2, -1).shape,
    a.contiguous().view(-1).shape,
    a.transpose(1, 2).contiguous().shape,
)
print(
    a.mean((0, 1)),
    a.std(dim=-1, unbiased=False),
    a.sum(-1).sum(),
    a.max(-1)[0].min(),
    a.norm(),
    a.norm(p=1, dim=1).shape,
    a.prod(1).shape,
    a.cumsum(-1)[0, 0],
    a.logsumexp(1).shape,
    a.softmax(-1)[0, 0],
    a.clamp(min=5)[0, 0],
    a.clamp(max=2).sum(),
    a.pow(2).mean().sqrt(),
    a.abs().amax(),
    a.argmin(),
    a.any(),
    a.tril()[0],
)
print(
    a[0].mm(a[0].t()),
    a.bmm(a.transpose(1, 2)).shape,
    torch.matmul(a, torch.ones(4)).shape,
    a @ torch.ones(4, 1) @ torch.ones(1, 1),
    torch.mv(a[0], torch.ones(4)),
    torch.addmm(torch.ones(3, 3), a[0], a[0].t())[0],
    torch.baddbmm(torch.zeros(2, 3, 3), a, a.mT).shape,
    torch.outer(torch.ones(2), torch.ones(3)),
    torch.kron(torch.eye(2), torch.ones(1, 2)),
    torch.tensordot(a, a, dims=([2], [2])).shape,
    torch.dist(a, a),
    torch.triu(torch.ones(2, 2), 1).bool(),
)
print(
    torch.where(a > 12, a, -a)[1, 0],
    a.masked_fill(a > 3, 0)[0, 1],
    a.index_fill(0, torch.tensor([0]), 9.0)[0, 0],
    torch.take(a, torch.tensor([0, 5])),
    a.gather(2, torch.zeros(2, 3, 1).long())[0],
    torch.scatter(torch.zeros(2, 2), 1, torch.tensor([[0], [1]]), 1.0),
    torch.index_select(a, 0, torch.tensor([1])).shape,
    torch.masked_select(a, a > 21),
    a[a > 21],
    a[:, :, 0][0],
    a[1, ..., -1],
    a[..., None].shape,
    a[torch.tensor([True, False])].shape,
    a[:, [0, 2]].shape,
)
print(
    torch.randn(2, 3).shape,
    torch.rand(2).dtype,
    torch.randint(0, 5, (3,)).dtype,
    torch.randperm(4).dtype,
    torch.normal(0.0, 1.0, (2,)).shape,
    torch.normal(torch.zeros(2), torch.ones(2)).shape,
    torch.bernoulli(torch.ones(2)),
    torch.rand_like(a).shape,
    torch.empty(2).normal_().shape,
    torch.empty(2).uniform_(0, 1).shape,
    torch.empty(2).bernoulli_(1.0),
    torch.zeros(3).random_(1, 2),
    torch.empty(2).exponential_().shape,
)
print(
    a.dtype,
    a.double().dtype,
    a.long().dtype,
    a.int().dtype,
    a.bool().dtype,
    a.byte().dtype,
    a.to(torch.int8).dtype,
    a.is_floating_point(),
    torch.is_floating_point(a.long()),
    torch.get_default_dtype(),
    a.element_size(),
    a.nelement(),
    a.storage_offset() if hasattr(a, "storage_offset") else 0,
    a.data_ptr() == a.view(-1).data_ptr() if hasattr(a, "data_ptr") else True,
)
h = [x for x in torch.arange(3)]
print(
    h,
    [i.item() for i in torch.arange(3)],
    torch.tensor(h),
    torch.stack(h),
    dict(enumerate(torch.ones(2).tolist())),
    torch.tensor([torch.tensor(1.0), torch.tensor(2.0)]),
    list(map(float, torch.ones(2))),
    3 in torch.arange(5),
)
for i, (u, v) in enumerate(zip(torch.arange(2), torch.ones(2, 2))):
    print(i, u, v)
while torch.tensor(0) > 0:
    pass
if torch.tensor([]).numel() == 0:
    print("empty", torch.tensor([]).shape, torch.tensor([]).dtype)
print(
    np.allclose(a.numpy(), a),
    np.mean(a.numpy()),
    np.array(a)[0, 0],
    torch.tensor(np.arange(3)) + np.arange(3),
    np.arange(3) + torch.arange(3).numpy(),
    a.numpy().dtype,
    torch.from_numpy(np.array([True])).dtype,
    np.concatenate([a[0].numpy(), a[1].numpy()]).shape,
)
