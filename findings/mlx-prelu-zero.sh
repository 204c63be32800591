#!/usr/bin/env bash
# mlx 0.32.4 (numpy 2.4.6), on a CPU.
# Guess: at 0 the gradient of prelu with slope a is a, 1, or something between them.
# Behaviour: it is 1 + a, which no side of the corner has: prelu adds a maximum and a minimum, and both give the whole
# gradient to the same argument where their arguments are equal. leaky_relu is 1 there.
# Seen, slope 0.25, at 0:
#   prelu       1.25
#   leaky_relu  1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q 'mlx[cpu]==0.32.4' numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import mlx.core as mx
from mlx import nn

print("mlx", version("mlx"))
mx.set_default_device(mx.cpu)
zero = mx.array(0.0)
prelu = mx.grad(lambda x: nn.prelu(x, mx.array(0.25)))(zero).item()
leaky = mx.grad(lambda x: nn.leaky_relu(x, 0.25))(zero).item()
print("prelu      ", prelu)
print("leaky_relu ", leaky)
assert prelu == 1.25 and leaky == 1, "the behaviour has changed"
PYTHON
