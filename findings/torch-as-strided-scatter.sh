#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the input of as_strided_scatter has a gradient where its elements stay, and 0 where they are replaced.
# Behaviour: the other way round: 0 where they stay, and the gradient where they are replaced.
# Seen:
#   gradient           [0.0, 10.0, 0.0, 1000.0]
#   finite differences [1.0, 0.0, 100.0, 0.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
weights = torch.tensor([1.0, 10.0, 100.0, 1000.0], dtype=torch.float64)
replacement = torch.tensor([5.0, 7.0], dtype=torch.float64)


def f(x):
    return (torch.as_strided_scatter(x, replacement, (2,), (2,), 1) * weights).sum()


x = torch.arange(4, dtype=torch.float64, requires_grad=True)
f(x).backward()
step = 1e-3
with torch.no_grad():
    differences = [round(((f(x + step * e) - f(x - step * e)) / (2 * step)).item(), 6) for e in torch.eye(4, dtype=x.dtype)]
print("gradient          ", x.grad.tolist())
print("finite differences", differences)
assert x.grad.tolist() == [0, 10, 0, 1000] and differences == [1, 0, 100, 0], "the behaviour has changed"
PYTHON
