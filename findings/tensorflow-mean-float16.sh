#!/usr/bin/env bash
# tensorflow-cpu 2.21.0 (numpy 2.4.6).
# Guess: the mean of many float16 ones is 1, as in NumPy, or infinite where the sum is kept in float16.
# Behaviour: it is nan where the number of elements is beyond the largest of float16, 65,504. The number of elements
# becomes infinite in float16 as well, and inf / inf is nan, so that a loss over a large batch is nan although no sample
# is.
# Seen:
#   65504 ones   mean 1.0
#   65536 ones   mean nan
#   NumPy        mean 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 tensorflow-cpu==2.21.0
"$folder/venv/bin/python" - <<'PYTHON'
import os
from importlib.metadata import version

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

print("tensorflow-cpu", version("tensorflow-cpu"))
seen = {n: float(tf.reduce_mean(tf.ones([n], tf.float16))) for n in (65504, 65536)}
for n, mean in seen.items():
    print(f"{n} ones   mean {mean}")
print("NumPy        mean", np.ones(65536, np.float16).mean())
assert seen[65504] == 1 and np.isnan(seen[65536]), "the behaviour has changed"
PYTHON
