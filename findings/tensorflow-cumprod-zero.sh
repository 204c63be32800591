#!/usr/bin/env bash
# tensorflow-cpu 2.21.0 (numpy 2.4.6).
# Guess: the gradient of cumprod at an element that is 0 counts the products of the others, as that of reduce_prod does.
# Behaviour: it is 0 there, a finite number that nothing warns of: every term through the zero is dropped.
# Seen, of the sum at 1, 0, 2, where 1, 3, 0 is right (the products are a, ab, abc), and of the product at 3, 0, 2:
#   cumprod      1.0 0.0 0.0
#   reduce_prod  0.0 6.0 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 tensorflow-cpu==2.21.0
"$folder/venv/bin/python" - <<'PYTHON'
import os
from importlib.metadata import version

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

print("tensorflow-cpu", version("tensorflow-cpu"))


def gradient(function, at):
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x))
    return tape.gradient(y, x).numpy().tolist()


sums = gradient(tf.math.cumprod, [1.0, 0.0, 2.0])
product = gradient(tf.math.reduce_prod, [3.0, 0.0, 2.0])
print("cumprod     ", *sums)
print("reduce_prod ", *product)
assert sums == [1, 0, 0] and product == [0, 6, 0], "the behaviour has changed"
PYTHON
