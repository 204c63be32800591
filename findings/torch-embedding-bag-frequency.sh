#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: with scale_grad_by_freq=True, embedding_bag divides the gradient of each row by how often the row occurs, as
# embedding does: rows 0, 1, 2 occur 3, 2, 1 times, and the gradient of the sum of all is 1 for each.
# Behaviour: embedding_bag divides by other counts.
# Seen:
#   embedding     [1.0, 1.0, 1.0]
#   embedding_bag [1.0, 0.6667, 0.3333]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)

bags = torch.tensor([[0, 0, 1], [2, 1, 0]])


def gradient(function):
    weight = torch.zeros(3, 1, dtype=torch.float64, requires_grad=True)
    function(weight).sum().backward()
    return [round(g, 4) for g in weight.grad.flatten().tolist()]


single = gradient(lambda w: F.embedding(bags, w, scale_grad_by_freq=True))
bag = gradient(lambda w: F.embedding_bag(bags, w, mode="sum", scale_grad_by_freq=True))
print("embedding    ", single)
print("embedding_bag", bag)
assert single == [1.0, 1.0, 1.0] and bag == [1.0, 0.6667, 0.3333], "the behaviour has changed"
PYTHON
