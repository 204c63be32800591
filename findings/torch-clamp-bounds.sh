#!/usr/bin/env bash
# torch 2.14.1 (numpy 2.4.6), on a CPU.
# Guess: clamp has one gradient at a bound, be the bound a number or a tensor of one number, and it is 1, as up to
# 2.13, whose mask is min <= x <= max.
# Behaviour: it is 0 at bounds that are numbers, as in hardtanh, and 1/2 at bounds that are tensors, where the bound gets
# the other half. A parameter that a clamp has put on its bound no longer learns.
# Seen, gradient at 0, 1 and 2 between the bounds 0 and 2:
#   numbers  0.0 1.0 0.0
#   tensors  0.5 1.0 0.5
#   minimum  0.0 1.0 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.14.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import torch

print("torch", version("torch"))


def gradient(function):
    x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


seen = {
    "numbers": gradient(lambda x: x.clamp(0.0, 2.0)),
    "tensors": gradient(lambda x: x.clamp(torch.tensor(0.0), torch.tensor(2.0))),
    "minimum": gradient(lambda x: x.clamp(min=0.0)),
}
for name, numbers in seen.items():
    print(f"{name} ", *numbers)
assert list(seen.values()) == [[0, 1, 0], [0.5, 1, 0.5], [0, 1, 1]], "the behaviour has changed"
PYTHON
