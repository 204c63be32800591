#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: what interpolate(mode="nearest") takes twice gets twice the gradient, and what it leaves out gets none.
# Behaviour: with a scale factor in one dimension, the gradient goes by another rule than the values. Of 7 numbers enlarged by
# 1.1, the first is taken twice and the last not at all; yet each has the gradient 1.
# Seen:
#   taken    [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
#   gradient [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
#   right    [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
x = torch.arange(7.0, dtype=torch.float64).reshape(1, 1, 7).requires_grad_()
y = torch.nn.functional.interpolate(x, scale_factor=1.1, mode="nearest")
y.sum().backward()
taken = y.flatten().tolist()
right = [float(taken.count(v)) for v in range(7)]
print("taken   ", taken)
print("gradient", x.grad.flatten().tolist())
print("right   ", right)
assert x.grad.flatten().tolist() == [1.0] * 7 and right == [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0], "the behaviour has changed"
PYTHON
