#!/usr/bin/env bash
# PyTorch 2.13.0, on the CPU.
# Guess: the gradient of ctc_loss by its argument log_probs is the derivative by log_probs, as everywhere else.
# Behaviour: it is the derivative by the logits of a log_softmax that is taken for granted: each step's gradient adds up
# to 0, where finite differences add up to -1 (one symbol of a path is emitted in each step).
# Seen:
#   gradient, added up over symbols           [0.0, 0.0, 0.0, 0.0]
#   finite differences, added up over symbols [-1.0, -1.0, -1.0, -1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)

log_probs = torch.log(torch.tensor([[[0.2, 0.5, 0.3]]] * 4, dtype=torch.float64)).requires_grad_()


def loss(x):
    return F.ctc_loss(x, torch.tensor([[1]]), torch.tensor([4]), torch.tensor([1]), reduction="sum")


loss(log_probs).backward()
by_sum = [round(g, 6) + 0.0 for g in log_probs.grad.sum(-1).flatten().tolist()]
step, differences = 1e-6, []
with torch.no_grad():
    for t in range(4):
        change = torch.zeros_like(log_probs)
        change[t] = step
        differences.append(round(((loss(log_probs + change) - loss(log_probs - change)) / (2 * step)).item(), 6))
print("gradient, added up over symbols          ", by_sum)
print("finite differences, added up over symbols", differences)
assert by_sum == [0, 0, 0, 0] and differences == [-1, -1, -1, -1], "the behaviour has changed"
PYTHON
