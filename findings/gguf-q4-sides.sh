#!/usr/bin/env bash
# gguf 0.19.0 (numpy 2.4.6): Q4_0, blocks of 32 weights with a scale each.
# Guess: of a block that holds 1 and -1, both are kept, or both are off by as much; a block of zeros is zeros.
# Behaviour: sixteen steps have eight on one side and seven on the other. The largest number that comes first is kept, its
# opposite is 0.875 of what it was; which of both it is depends on the order. Zeros become -0.
# Seen:
#   [ 1, -1, 0.5, -0.5, 0...]  [ 1.    -0.875  0.5   -0.5  ]
#   [-1,  1, 0.5, -0.5, 0...]  [-1.     0.875  0.5   -0.5  ]
#   zeros                      [-0. -0.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q gguf==0.19.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf import quants

print("gguf", version("gguf"))


def there_and_back(*numbers):
    x = np.zeros((1, 32), np.float32)
    x[0, : len(numbers)] = numbers
    return quants.dequantize(quants.quantize(x, Kind.Q4_0), Kind.Q4_0)[0]


up, down, zeros = there_and_back(1, -1, 0.5, -0.5), there_and_back(-1, 1, 0.5, -0.5), there_and_back()
print("[ 1, -1, 0.5, -0.5, 0...] ", up[:4])
print("[-1,  1, 0.5, -0.5, 0...] ", down[:4])
print("zeros                     ", zeros[:2])
assert (up[0], up[1], down[0], down[1]) == (1, -0.875, -1, 0.875), "the behaviour has changed"
assert np.signbit(zeros).all(), "the behaviour has changed"
PYTHON
