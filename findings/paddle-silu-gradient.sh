#!/usr/bin/env bash
# paddlepaddle 3.3.1 (numpy 2.4.6), on a CPU.
# Guess: far from 0, where silu and celu are 0 or x, their gradients are 0 and 1.
# Behaviour: exp overflows in the gradient alone: silu has nan at -1000, and celu at 1000, while elu and mish are right.
# A single large activation makes all gradients before it nan, at a loss that is finite.
# Seen, values and gradients in float32:
#   silu(-1000) -0.0     gradient nan
#   celu(1000)  1000.0   gradient nan
#   elu(1000)   1000.0   gradient 1.0
#   mish(-1000) -0.0     gradient 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 paddlepaddle==3.3.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from math import isnan

import paddle
from paddle.nn import functional as F

print("paddlepaddle", version("paddlepaddle"))
seen = {}
for name, at in (("silu", -1000.0), ("celu", 1000.0), ("elu", 1000.0), ("mish", -1000.0)):
    x = paddle.to_tensor(at, stop_gradient=False)
    y = getattr(F, name)(x)
    y.backward()
    seen[name] = float(x.grad)
    print(f"{f'{name}({at:g})':11} {float(y)!s:8} gradient {seen[name]}")
assert isnan(seen["silu"]) and isnan(seen["celu"]), "the behaviour has changed"
assert seen["elu"] == 1 and seen["mish"] == 0, "the behaviour has changed"
PYTHON
