#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: fractional_max_pool3d takes the sizes that fractional_max_pool2d takes, such as windows of 2 over 4 places with
# 3 results.
# Behaviour: it demands one place more: RuntimeError where the windows just fit.
# Seen:
#   4 places, 3 results: 2d (3, 3)  3d RuntimeError: ... pool time 2 too large relative to input time 4
#   5 places, 3 results: 2d (3, 3)  3d (3, 3, 3)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)
seen = []
for places in (4, 5):
    two = F.fractional_max_pool2d(torch.ones(1, 1, places, places), 2, output_size=3)
    try:
        three = F.fractional_max_pool3d(torch.ones(1, 1, places, places, places), 2, output_size=3)
        found = str(tuple(three.shape[2:]))
    except RuntimeError as error:
        found = f"RuntimeError: ... {str(error).partition(': ')[2]}"
    print(f"{places} places, 3 results: 2d {tuple(two.shape[2:])}  3d {found}")
    seen.append(found)
assert "too large" in seen[0] and seen[1] == "(3, 3, 3)", "the behaviour has changed"
PYTHON
