"""A polynomial fitted to a sine: by hand, by autograd, and with an autograd function of its own."""

import math

import torch


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor, x.sum()

    @staticmethod
    def backward(ctx, g, s):
        return g * ctx.factor + s, None


dtype = torch.float
device = torch.device("cpu")
torch.set_default_device(device)

x = torch.linspace(-math.pi, math.pi, 2000, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
b = torch.full((), -1.0, device=device, dtype=dtype, requires_grad=True)
c = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
d = torch.full((), 0.3, device=device, dtype=dtype, requires_grad=True)

learning_rate = 5e-6
first = last = None
for t in range(500):
    P3 = LegendrePolynomial3.apply
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 100 == 99:
        print(t, loss.item())
    first, last = first or loss.item(), loss.item()
    loss.backward()
    with torch.no_grad():
        a -= learning_rate * a.grad
        b -= learning_rate * b.grad
        c -= learning_rate * c.grad
        d -= learning_rate * d.grad
        a.grad = None
        b.grad = None
        c.grad = None
        d.grad = None
print(f"Result: y = {a.item()} + {b.item()} * P3({c.item()} + {d.item()} x)")
assert last < first / 4

v = torch.tensor([1.0, 2.0], requires_grad=True)
scaled, total = Scale.apply(v, 3.0)
(scaled.sum() + 2 * total).backward()
assert v.grad.tolist() == [5.0, 5.0]

w = torch.tensor([2.0, 3.0], requires_grad=True)
(g,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
g.sum().backward()
assert w.grad.tolist() == [12.0, 18.0]
w.grad.zero_()
w.data.add_(1.0)
w.data = w.data * 2
assert w.tolist() == [6.0, 8.0] and w.is_leaf and w.requires_grad

h = torch.ones(3, requires_grad=True)
handle = h.register_hook(lambda grad: grad * 2)
(h * 3).sum().backward()
handle.remove()
assert h.grad.tolist() == [6.0, 6.0, 6.0]
assert torch.autograd.gradcheck(LegendrePolynomial3.apply, (torch.randn(4, dtype=torch.double, requires_grad=True),))
J = torch.autograd.functional.jacobian(lambda u: u**2, torch.tensor([1.0, 2.0]))
assert J.tolist() == [[2.0, 0.0], [0.0, 4.0]]
H = torch.func.hessian(lambda u: (u**3).sum())(torch.tensor([1.0, 2.0]))
assert H.tolist() == [[6.0, 0.0], [0.0, 12.0]]
assert torch.func.grad(lambda u: (u**2).sum())(torch.tensor([3.0])).tolist() == [6.0]
print("autograd:", last < first)
