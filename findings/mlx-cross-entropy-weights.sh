#!/usr/bin/env bash
# mlx 0.32.4 (numpy 2.4.6), on a CPU.
# Guess: with weights and reduction="mean", cross_entropy is the weighted mean, as in PyTorch: weighted losses divided
# by the sum of the weights.
# Behaviour: it divides by the number of samples, so that weights of 10 make a loss, and gradients, ten times as large.
# Seen, two samples, losses 0.4076 and 2.4076:
#   weights 1, 1     1.4076
#   weights 10, 10   14.0761
#   weights 1, 3     3.8152 (weighted mean 1.9076)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q 'mlx[cpu]==0.32.4' numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import mlx.core as mx
import numpy as np
from mlx import nn

print("mlx", version("mlx"))
mx.set_default_device(mx.cpu)
logits, targets = mx.array([[1.0, 2.0, 3.0]] * 2), mx.array([2, 0])
losses = np.array(nn.losses.cross_entropy(logits, targets, reduction="none"))


def mean(*weights):
    return nn.losses.cross_entropy(logits, targets, weights=mx.array(weights), reduction="mean").item()


print(f"weights 1, 1     {mean(1.0, 1.0):.4f}")
print(f"weights 10, 10   {mean(10.0, 10.0):.4f}")
print(f"weights 1, 3     {mean(1.0, 3.0):.4f} (weighted mean {losses @ [1, 3] / 4:.4f})")
assert np.isclose(mean(10.0, 10.0), 10 * mean(1.0, 1.0)), "the behaviour has changed"
assert np.isclose(mean(1.0, 3.0), losses @ [1, 3] / 2), "the behaviour has changed"
PYTHON
