#!/usr/bin/env bash
# mlx 0.32.4 (numpy 2.4.6), on a CPU.
# Guess: a sum of 2**25 ones in float32 is 2**25, since it is taken in blocks or pairs, as in NumPy and PyTorch.
# Behaviour: numbers are added one after the other, so that it ends at 2**24, from which one more changes nothing: the
# mean of 2**25 ones is 0.5. In float16 the mean of 2**17 ones is infinite, although mean itself could be told.
# Seen:
#   sum of 2**25 float32 ones    16777216.0
#   mean of 2**25 float32 ones   0.5
#   mean of 2**17 float16 ones   inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q 'mlx[cpu]==0.32.4' numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from math import inf

import mlx.core as mx

print("mlx", version("mlx"))
mx.set_default_device(mx.cpu)
ones = mx.ones((2**25,))
total, mean = mx.sum(ones).item(), mx.mean(ones).item()
half = mx.mean(mx.ones((2**17,), dtype=mx.float16)).item()
print("sum of 2**25 float32 ones   ", total)
print("mean of 2**25 float32 ones  ", mean)
print("mean of 2**17 float16 ones  ", half)
assert total == 2**24 and mean == 0.5 and half == inf, "the behaviour has changed"
PYTHON
