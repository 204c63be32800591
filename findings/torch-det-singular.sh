#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the gradient of det at the singular matrix [[1, 2], [2, 4]] is its cofactors, [[4, -2], [-2, 1]].
# Behaviour: it is 0 everywhere, without a word; a millionth beside it, it is right.
# Seen:
#   singular [[0.0, 0.0], [0.0, 0.0]]
#   beside   [[4.0, -2.0], [-2.0, 1.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch


def gradient(last):
    x = torch.tensor([[1.0, 2.0], [2.0, last]], dtype=torch.float64, requires_grad=True)
    torch.linalg.det(x).backward()
    return [[abs(round(v, 3)) * (-1 if v < -0.5 else 1) for v in row] for row in x.grad.tolist()]


print("torch", torch.__version__)
singular, beside = gradient(4.0), gradient(4.000001)
print("singular", singular)
print("beside  ", beside)
assert singular == [[0.0, 0.0], [0.0, 0.0]] and beside == [[4.0, -2.0], [-2.0, 1.0]], "the behaviour has changed"
PYTHON
