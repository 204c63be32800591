#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the gradient of hardsigmoid in float64 is 1/6 to the precision of float64.
# Behaviour: it is the float32 number next to 1/6, 5e-9 away.
# Seen:
#   gradient 0.16666667163372040
#   1/6      0.16666666666666666
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
torch.nn.functional.hardsigmoid(x).sum().backward()
print(f"gradient {x.grad.item():.17f}")
print(f"1/6      {1 / 6:.17f}")
assert x.grad.item() == torch.tensor(1 / 6, dtype=torch.float32).item() != 1 / 6, "the behaviour has changed"
PYTHON
