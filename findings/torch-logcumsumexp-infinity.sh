#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: a first element of -inf adds nothing to the later ones, so its gradient is 0 (finite differences agree).
# Behaviour: nan, although the others' gradients are right.
# Seen:
#   value    [-inf, 1.0, 3.1269]
#   gradient [nan, 0.1192, 0.8808]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import math

import torch

print("torch", torch.__version__)
x = torch.tensor([-math.inf, 1.0, 3.0], dtype=torch.float64, requires_grad=True)
y = x.logcumsumexp(0)
y[2].backward()
print("value   ", [round(v, 4) for v in y.tolist()])
print("gradient", [round(v, 4) for v in x.grad.tolist()])
assert math.isnan(x.grad[0]) and abs(x.grad[1:].sum() - 1) < 1e-12, "the behaviour has changed"
PYTHON
