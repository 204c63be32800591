#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: y[[0, 0]] = v leaves v[1] in y[0], so the gradient of y.sum() by v is [0, 1] (finite differences agree).
# Behaviour: the overwritten value has a gradient too: [1, 1].
# Seen:
#   gradient           [1.0, 1.0]
#   finite differences [0.0, 1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)


def f(v):
    y = torch.zeros(3, dtype=v.dtype)
    y[[0, 0]] = v
    return y.sum()


v = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)
f(v).backward()
step = 1e-6
with torch.no_grad():
    differences = [((f(v + step * e) - f(v - step * e)) / (2 * step)).item() for e in torch.eye(2, dtype=v.dtype)]
print("gradient          ", v.grad.tolist())
print("finite differences", [round(d, 6) for d in differences])
assert v.grad.tolist() == [1.0, 1.0] and [round(d) for d in differences] == [0, 1], "the behaviour has changed"
PYTHON
