#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: floor_divide is constant between jumps, so its gradient is 0, as that of floor(x / y) is.
# Behaviour: the result requires a gradient, and backward raises.
# Seen:
#   floor(x / 2)         gradient [0.0, 0.0]
#   floor_divide(x, 2)   requires_grad True; derivative for aten::floor_divide is not implemented
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)

x = torch.tensor([3.5, 2.0], requires_grad=True)
torch.floor(x / 2).sum().backward()
print("floor(x / 2)         gradient", x.grad.tolist())
z = torch.floor_divide(x, 2)
try:
    z.sum().backward()
    raised = ""
except RuntimeError as error:
    raised = str(error)
print("floor_divide(x, 2)   requires_grad", z.requires_grad, "; ", raised)
assert x.grad.tolist() == [0, 0] and z.requires_grad and "not implemented" in raised, "the behaviour has changed"
PYTHON
