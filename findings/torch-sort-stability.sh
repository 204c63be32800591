#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: an unstable sort shows on short inputs, so that a test with 16 equal keys would find it.
# Behaviour: sort(stable=False) keeps the order of equal keys up to 16 elements, and changes it from 17 on.
# Seen:
#   equal keys change their order from 17 elements on
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
first = next(n for n in range(2, 100) if torch.sort(torch.arange(n) % 2, stable=False)[1].tolist()
             != torch.sort(torch.arange(n) % 2, stable=True)[1].tolist())
print("equal keys change their order from", first, "elements on")
assert first == 17, "the behaviour has changed"
PYTHON
