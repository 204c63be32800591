"""Parts of one's own in the ordinary style: a layer, an optimizer, a schedule, hooks, gradient penalties, packed sequences."""

import torch
from torch import nn, Tensor
import torch.nn.functional as F
from typing import List, Dict, Tuple, Optional, Any, Callable
from dataclasses import dataclass
import math, warnings, logging, json, contextlib, functools, enum, abc
from torch.nn.parameter import Parameter
from torch.nn.modules import Module
from torch.optim.optimizer import Optimizer
from torch.optim.lr_scheduler import LRScheduler, _LRScheduler
from torch.autograd import Variable, grad, Function
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence, pack_sequence
import torch.utils.checkpoint as checkpoint
import torch.nn.init as init

x = Variable(torch.ones(2, 2), requires_grad=True)
(x * x).sum().backward()
print(x.grad.data)


class MyLinear(Module):
    __constants__ = ["in_features"]
    in_features: int
    weight: Tensor

    def __init__(self, i, o, bias=True):
        super(MyLinear, self).__init__()
        self.in_features = i
        self.weight = Parameter(torch.Tensor(o, i))
        if bias:
            self.bias = Parameter(torch.Tensor(o))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, bias={self.bias is not None}"


print(MyLinear(2, 3), MyLinear(2, 3)(torch.ones(1, 2)).shape)


class MySGD(Optimizer):
    def __init__(self, params, lr=1e-2, momentum=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = 0
                    state["buf"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                state["step"] += 1
                state["buf"].mul_(group["momentum"]).add_(p.grad)
                p.add_(state["buf"], alpha=-group["lr"])
        return loss


lin = nn.Linear(2, 1)
lin.weight.data.fill_(0.5)
lin.bias.data.zero_()
o = MySGD(lin.parameters(), lr=0.1, momentum=0.9)
for _ in range(3):
    o.zero_grad()
    l = lin(torch.ones(1, 2)).pow(2).sum()
    l.backward()
    o.step()
print(lin.weight, o.state[lin.weight]["step"])


class Warm(LRScheduler):
    def __init__(self, optimizer, n, last_epoch=-1):
        self.n = n
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [b * min(1.0, (self.last_epoch + 1) / self.n) for b in self.base_lrs]


s = Warm(torch.optim.SGD(lin.parameters(), lr=1.0), 4)
r = []
for _ in range(5):
    r.append(s.get_last_lr()[0])
    s.optimizer.step()
    s.step()
print(r)


class Noisy(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x) * 0.1 if self.training else x


print(Noisy().eval()(torch.ones(1)))


class Net(nn.Module):
    def __init__(self, cfg: Dict[str, Any]):
        super().__init__()
        self.cfg = cfg
        self.blocks = nn.ModuleList()
        for i in range(cfg["n"]):
            self.blocks.append(nn.Sequential(nn.Linear(4, 4), nn.GELU()))
        self.heads = nn.ModuleDict({k: nn.Linear(4, 1) for k in ("a", "b")})
        self.alpha = nn.ParameterDict({"x": nn.Parameter(torch.ones(1))})
        self.cls = nn.Parameter(torch.zeros(1, 1, 4))

    def forward(self, x, *, head: str = "a", mask: Optional[Tensor] = None) -> Dict[str, Tensor]:
        for i, b in enumerate(self.blocks):
            x = x + b(x) if i % 2 else checkpoint.checkpoint(b, x, use_reentrant=False)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x.unsqueeze(1)], dim=1).mean(1)
        if mask is not None:
            x = x * mask
        return {"out": self.heads[head](x) * self.alpha["x"], "feat": x}


n = Net({"n": 3})
out = n(torch.ones(2, 4), head="b")
print(sorted(out), out["out"].shape, sum(p.numel() for p in n.parameters()), [k for k in n.state_dict()][:3])
loss = out["out"].sum()
loss.backward()
print([k for k, p in n.named_parameters() if p.grad is None])
gs = torch.autograd.grad(
    n(torch.ones(2, 4))["out"].sum(),
    list(n.heads["a"].parameters()) + list(n.heads["b"].parameters()),
    allow_unused=True,
)
print([g is None for g in gs])
# gradient penalty / higher order
xr = torch.rand(3, 2, requires_grad=True)
D = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
g = torch.autograd.grad(
    outputs=D(xr), inputs=xr, grad_outputs=torch.ones(3, 1), create_graph=True, retain_graph=True, only_inputs=True
)[0]
gp = ((g.norm(2, dim=1) - 1) ** 2).mean()
gp.backward()
print(D[0].weight.grad.shape, gp.requires_grad)
# freeze & unfreeze, params filter, detach
for p in n.blocks.parameters():
    p.requires_grad = False
print(len([p for p in n.parameters() if p.requires_grad]), n.blocks[0][0].weight.requires_grad)
opt = torch.optim.Adam(filter(lambda p: p.requires_grad, n.parameters()), lr=1e-3)
opt.zero_grad()
y = torch.ones(2, requires_grad=True)
z = y.detach()
z[0] = 5
print(y, z.requires_grad, y.clone().requires_grad, (y * 1).detach_().requires_grad)
try:
    y[0] = 3.0
except RuntimeError as e:
    print("RuntimeError leaf")
with torch.no_grad():
    y[0] = 3.0
    print(y)
a = torch.zeros(3)
a[1:] += torch.ones(2)
v = a.view(3, 1)
v[0] = 9
print(a, a._version >= 0 if hasattr(a, "_version") else True)
w = torch.ones(2, requires_grad=True)
b = w * 2
b[0] = 0
b.sum().backward()
print(w.grad)
w = torch.arange(3.0, requires_grad=True)
q = w.clone()
q.mul_(w)
q.sum().backward()
print(w.grad)
# packed sequences through GRU, embedding bag, bidirectional
seqs = [torch.tensor([1, 2, 3]), torch.tensor([4])]
p = pad_sequence(seqs, batch_first=True)
e = nn.Embedding(5, 2, padding_idx=0)
e.weight.data.copy_(torch.arange(10.0).view(5, 2))
pk = pack_padded_sequence(e(p), torch.tensor([3, 1]), batch_first=True, enforce_sorted=True)
print(pk.data.shape)
g = nn.GRU(2, 3, bidirectional=True, batch_first=True)
oo, hh = g(pk)
oo, ll = pad_packed_sequence(oo, batch_first=True)
print(oo.shape, ll, hh.shape, oo[1, 1:].abs().sum())
eb = nn.EmbeddingBag(5, 2, mode="sum")
eb.weight.data.fill_(1.0)
print(eb(torch.tensor([1, 2, 3]), torch.tensor([0, 2])))
print(
    F.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), padding=1).shape,
    F.avg_pool2d(torch.ones(1, 1, 4, 4), 2),
    F.max_pool2d(torch.arange(16.0).view(1, 1, 4, 4), 2, return_indices=True)[1],
    F.unfold(torch.ones(1, 1, 3, 3), 2).shape,
    F.adaptive_avg_pool2d(torch.ones(1, 2, 5, 5), 1).shape,
    F.pixel_shuffle(torch.ones(1, 4, 1, 1), 2).shape,
    F.pad(torch.ones(2), (1, 2), value=3.0),
    F.pad(torch.arange(3.0).view(1, 1, 3), (1, 1), mode="reflect"),
    F.glu(torch.ones(2, 4)),
    F.interpolate(torch.ones(1, 1, 2), size=4).shape,
)
print(
    torch.fft if hasattr(torch, "fft") and False else "no",
    torch.special.expit(torch.tensor(0.0)),
    torch.linalg.inv(torch.eye(2) * 2),
    torch.cuda.is_available() and torch.cuda.get_device_name(0),
    torch.backends.mps.is_available(),
    torch.get_num_threads() >= 1,
    torch.version.cuda is None or True,
)


@torch.no_grad()
def ev(m):
    m.eval()
    return m(torch.ones(1, 4))["out"].requires_grad


print(ev(n))
sc = torch.jit.script(nn.Linear(1, 1)) if False else None
print(
    n.get_parameter("cls").shape,
    n.get_submodule("blocks.0")[0].in_features,
    [type(m).__name__ for m in n.children()],
    n._get_name() if hasattr(n, "_get_name") else "Net",
)
print(
    torch.tensor([1.0, 2.0], requires_grad=True).grad_fn,
    (torch.ones(1, requires_grad=True) * 2).is_leaf,
    torch.is_grad_enabled(),
    torch.ones(2).requires_grad_().requires_grad,
    torch.zeros(1).grad,
)
print(
    n.heads["a"].weight.register_hook(lambda g: g * 2) is not None,
    torch.ones(1, device="cpu").device.type,
    torch.device("cuda:1").index,
    str(torch.device("cpu")),
    torch.ones(1).to("cpu", torch.float64).dtype,
    torch.ones(1).to(dtype=torch.int).dtype,
    torch.ones(1).to(torch.ones(1).double()).dtype,
)
