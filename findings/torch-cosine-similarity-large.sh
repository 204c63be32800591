#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU).
# Guess: the cosine similarity of a finite vector with itself is 1, or nan where a square overflows on the way.
# Behaviour: it is 0, as if the vector stood at right angles to itself, where a square overflows and where it underflows.
# Seen:
#   length 1e+200 in torch.float64: similarity with itself 0.0
#   length 1e-200 in torch.float64: similarity with itself 0.0
#   length 1e+20 in torch.float32: similarity with itself 0.0
#   length 1e+00 in torch.float32: similarity with itself 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)
for length, dtype in ((1e200, torch.float64), (1e-200, torch.float64), (1e20, torch.float32), (1.0, torch.float32)):
    x = torch.tensor([[length, 0.0]], dtype=dtype)
    similarity = torch.nn.functional.cosine_similarity(x, x).item()
    print(f"length {length:.0e} in {dtype}: similarity with itself {similarity}")
    assert similarity == (length == 1), "the behaviour has changed"
PYTHON
