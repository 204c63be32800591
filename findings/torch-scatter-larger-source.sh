#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: scatter takes a src that is larger than index, of which the rest is not used: its gradient there is 0.
# Behaviour: the forward pass works as documented, the backward pass raises, because the gradient has index's shape.
# Seen:
#   forward  [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
#   backward RuntimeError: ... returned an invalid gradient at index 1 - got [2, 1] but expected shape compatible with [3, 2]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)

x, src = torch.zeros(3, 2), torch.ones(3, 2, requires_grad=True)
z = x.scatter(0, torch.tensor([[0], [1]]), src)
print("forward ", z.tolist())
try:
    z.sum().backward()
    raised = ""
except RuntimeError as error:
    raised = str(error)
print("backward RuntimeError:", raised)
assert z.tolist() == [[1, 0], [1, 0], [0, 0]] and "invalid gradient at index 1" in raised, "the behaviour has changed"
PYTHON
