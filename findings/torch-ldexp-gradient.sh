#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: ldexp(x, n) is x * 2**n, and so is its gradient 2**n.
# Behaviour: for a negative n, and for an n from 64 on, the gradient is 0, and for 63 it has the wrong sign: the power
# of 2 is an integer there. The values are right.
# Seen, in float64:
#   n -3: value 0.1875, gradient 0.0, 2**n 0.125
#   n 3: value 12.0, gradient 8.0, 2**n 8.0
#   n 63: value 1.3835058055282164e+19, gradient -9.223372036854776e+18, 2**n 9.223372036854776e+18
#   n 64: value 2.7670116110564327e+19, gradient 0.0, 2**n 1.8446744073709552e+19
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
seen = {}
for n in (-3, 3, 63, 64):
    x = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    y = torch.ldexp(x, torch.tensor(n))
    y.backward()
    print(f"n {n}: value {y.item()}, gradient {x.grad.item()}, 2**n {2.0**n}")
    assert y.item() == 1.5 * 2.0**n
    seen[n] = x.grad.item()
assert seen == {-3: 0, 3: 8, 63: -(2.0**63), 64: 0}, "the behaviour has changed"
PYTHON
