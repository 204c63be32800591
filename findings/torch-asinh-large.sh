#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the derivative of asinh and acosh at 1e20 in float32 is 1e-20, which float32 holds.
# Behaviour: 0, since the square of 1e20 overflows to infinity on the way; the values themselves are right.
# Seen:
#   asinh 46.744846 derivative 0.0
#   acosh 46.744846 derivative 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
for f in (torch.asinh, torch.acosh):
    x = torch.tensor(1e20, requires_grad=True)
    y = f(x)
    y.backward()
    print(f"{f.__name__} {y.item():.6f} derivative {x.grad.item()}")
    assert abs(y.item() - 46.744849) < 1e-4 and x.grad.item() == 0, "the behaviour has changed"
PYTHON
