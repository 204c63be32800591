#!/usr/bin/env bash
# paddlepaddle 3.3.1 (numpy 2.4.6), on a CPU.
# Guess: activations pass nan on, and max pooling either does or does not.
# Behaviour: relu makes 0 of nan, so that a broken network goes on with finite numbers; relu6, clip and maximum pass it
# on. Max pooling keeps a nan that is the last of its window and loses one that is the first.
# Seen:
#   relu            0.0
#   relu6           nan
#   clip            nan
#   maximum         nan
#   pool of 1, nan  nan
#   pool of nan, 1  1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 paddlepaddle==3.3.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from math import isnan, nan

import paddle
from paddle.nn import functional as F

print("paddlepaddle", version("paddlepaddle"))
x = paddle.to_tensor([nan])
seen = {
    "relu": F.relu(x),
    "relu6": F.relu6(x),
    "clip": paddle.clip(x, min=0.0),
    "maximum": paddle.maximum(x, paddle.zeros([1])),
    "pool of 1, nan": F.max_pool1d(paddle.to_tensor([[[1.0, nan]]]), 2),
    "pool of nan, 1": F.max_pool1d(paddle.to_tensor([[[nan, 1.0]]]), 2),
}
for name, y in seen.items():
    print(f"{name:15} {y.item()}")
assert [name for name, y in seen.items() if not isnan(y.item())] == ["relu", "pool of nan, 1"], "the behaviour has changed"
PYTHON
