"""Tensors, as the first tutorial shows them: made, indexed, reshaped, joined, computed with, written in place."""

import math

import numpy as np
import torch

data = [[1, 2], [3, 4]]
x_data = torch.tensor(data)
assert x_data.dtype == torch.int64 and x_data.shape == torch.Size([2, 2])

np_array = np.array(data)
x_np = torch.from_numpy(np_array)
np.add(np_array, 1, out=np_array)
assert x_np.tolist() == [[2, 3], [4, 5]]

x_ones = torch.ones_like(x_data)
x_rand = torch.rand_like(x_data, dtype=torch.float)
print(f"Ones Tensor: \n {x_ones} \n")
assert x_rand.dtype == torch.float32 and x_rand.shape == (2, 2)

shape = (
    2,
    3,
)
rand_tensor = torch.rand(shape)
zeros_tensor = torch.zeros(shape)
print(f"Shape of tensor: {rand_tensor.shape}")
print(f"Datatype of tensor: {rand_tensor.dtype}")
print(f"Device tensor is stored on: {rand_tensor.device}")

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tensor = torch.ones(4, 4).to(device)
print("First row:", tensor[0])
print("First column:", tensor[:, 0])
print("Last column:", tensor[..., -1])
tensor[:, 1] = 0
assert tensor.sum().item() == 12

t1 = torch.cat([tensor, tensor, tensor], dim=1)
assert t1.size() == (4, 12) and t1.size(-1) == 12

y1 = tensor @ tensor.T
y2 = tensor.matmul(tensor.T)
y3 = torch.rand_like(y1)
torch.matmul(tensor, tensor.T, out=y3)
assert torch.equal(y1, y2) and torch.equal(y1, y3)

z1 = tensor * tensor
z3 = torch.rand_like(tensor)
torch.mul(tensor, tensor, out=z3)
assert torch.allclose(z1, z3)

agg_item = tensor.sum().item()
assert isinstance(agg_item, float)
tensor.add_(5)
assert tensor.max().item() == 6

t = torch.ones(5)
n = t.numpy()
t.add_(1)
assert n.tolist() == [2.0] * 5

x = torch.arange(12, dtype=torch.float32).view(3, 4)
values, indices = x.max(dim=1)
assert indices.tolist() == [3, 3, 3] and values.tolist() == [3.0, 7.0, 11.0]
assert x.t().shape == (4, 3) and x.transpose(0, 1).is_contiguous() is False
assert x.unsqueeze(0).expand(2, -1, -1).shape == (2, 3, 4)
assert x.view(-1).unfold(0, 3, 3).shape == (4, 3)
assert [p.shape for p in x.split(2, dim=1)] == [(3, 2), (3, 2)]
assert x.repeat(2, 1).shape == (6, 4) and x.chunk(2, 1)[1].shape == (3, 2)
assert x.masked_fill(x > 5, 0).sum() == 15
assert x[x > 5].numel() == 6 and torch.where(x > 5)[0].shape == (6,)
assert x.gather(1, torch.tensor([[0], [1], [2]])).flatten().tolist() == [0.0, 5.0, 10.0]
assert torch.zeros(3, 5).scatter_(1, torch.tensor([[0], [2], [4]]), 1.0).sum() == 3
assert math.isclose(x.std().item(), 3.605551, rel_tol=1e-5)
assert (x.long() / 2).dtype == torch.float32 and (x.long() + 1.5).dtype == torch.float32
assert (torch.tensor([1, 2]) * torch.tensor(2.0, dtype=torch.float64)).dtype == torch.float64
assert torch.topk(x.flatten(), 2).values.tolist() == [11.0, 10.0]
assert torch.einsum("ij,kj->ik", x, x).shape == (3, 3)
assert torch.linspace(0, 1, steps=5)[1] == 0.25
assert x.permute(1, 0).reshape(2, 6).mean(dim=0, keepdim=True).shape == (1, 6)
assert float(torch.linalg.norm(torch.tensor([3.0, 4.0]))) == 5.0
print("tensor basics:", x.shape, repr(x[0]))
