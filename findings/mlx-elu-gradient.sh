#!/usr/bin/env bash
# mlx 0.32.4 (numpy 2.4.6), on a CPU.
# Guess: elu and selu have the gradients 1 and 1.0507 for a large activation, as their values are x and 1.0507 x.
# Behaviour: from 89 on, where exp overflows in float32, they are nan: the side that where() does not take contributes 0
# times infinity. celu, by another formula, is right.
# Seen, gradients at 88 and 89:
#   elu   1.0 nan
#   selu  1.0506999492645264 nan
#   celu  1.0 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q 'mlx[cpu]==0.32.4' numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from math import isnan

import mlx.core as mx
from mlx import nn

print("mlx", version("mlx"))
mx.set_default_device(mx.cpu)
seen = {}
for name in ("elu", "selu", "celu"):
    slope = mx.grad(lambda x: getattr(nn, name)(x).sum())
    seen[name] = slope(mx.array([88.0, 89.0])).tolist()
    print(f"{name:5}", *seen[name])
assert isnan(seen["elu"][1]) and isnan(seen["selu"][1]), "the behaviour has changed"
assert seen["celu"] == [1, 1], "the behaviour has changed"
PYTHON
