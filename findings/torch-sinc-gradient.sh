#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the derivative of sinc near 0 is -pi^2 x / 3 within rounding.
# Behaviour: it is a difference of nearly equal numbers divided by x^2: wrong by a factor in float32 below 1e-3, and 0
# below 1e-5; in float64 below 1e-8.
# Seen:
#   float32 1e-05: derivative  0.000e+00, -pi^2 x / 3 is -3.290e-05
#   float32 1e-04: derivative -9.264e-04, -pi^2 x / 3 is -3.290e-04
#   float64 1e-09: derivative  0.000e+00, -pi^2 x / 3 is -3.290e-09
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import math

import torch

print("torch", torch.__version__)
seen = []
for dtype, x in ((torch.float32, 1e-5), (torch.float32, 1e-4), (torch.float64, 1e-9)):
    t = torch.tensor(x, dtype=dtype, requires_grad=True)
    torch.sinc(t).backward()
    right = -(math.pi**2) * x / 3
    seen.append(t.grad.item() / right)
    print(f"{str(dtype)[6:]} {x:.0e}: derivative {t.grad.item(): .3e}, -pi^2 x / 3 is {right:.3e}")
assert seen[0] == 0 and seen[1] > 2 and seen[2] == 0, "the behaviour has changed"
PYTHON
