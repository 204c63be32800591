#!/usr/bin/env bash
# tensorflow-cpu 2.21.0 (numpy 2.4.6).
# Guess: the largest number of a window is one of its numbers.
# Behaviour: max pooling starts from the lowest finite number: a window of -inf, as a mask makes it, gives -3.4e38, and
# one of nan alone too, while reduce_max of both is -inf and nan.
# Seen:
#   -inf, -inf  max_pool1d -3.4028234663852886e+38  reduce_max -inf
#   nan, nan    max_pool1d -3.4028234663852886e+38  reduce_max nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 tensorflow-cpu==2.21.0
"$folder/venv/bin/python" - <<'PYTHON'
import os
from importlib.metadata import version
from math import inf, nan

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

print("tensorflow-cpu", version("tensorflow-cpu"))
seen = []
for number in (-inf, nan):
    window = tf.constant([number, number])
    pooled = float(tf.squeeze(tf.nn.max_pool1d(tf.reshape(window, [1, 2, 1]), 2, 2, "VALID")))
    seen.append(pooled)
    print(f"{f'{number}, {number}':11} max_pool1d {pooled}  reduce_max {float(tf.reduce_max(window))}")
assert seen == [tf.float32.min, tf.float32.min], "the behaviour has changed"
PYTHON
