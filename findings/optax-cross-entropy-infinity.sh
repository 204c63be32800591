#!/usr/bin/env bash
# optax 0.2.8, jax 0.10.2 (numpy 2.4.6), on a CPU, float32.
# Guess: cross-entropy is the same whether the class is given as a number or as one-hot; a class whose logit is -inf
# (it is masked) takes no part, so [0, -inf] with class 0 costs 0.
# Behaviour: with a number it costs 0, with one-hot nan, since 0 times -inf is added. A class of -1 is the last one.
# Seen:
#   class 0         0.0
#   one-hot [1, 0]  nan
#   [0, 1], class -1 0.31326162, class 1 0.31326162
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q optax==0.2.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import jax.numpy as jnp
import numpy as np
import optax

print("optax", version("optax"), "jax", version("jax"))
by_number = optax.losses.softmax_cross_entropy_with_integer_labels
x = jnp.array([0.0, -jnp.inf])
number = float(by_number(x, jnp.array(0)))
onehot = float(optax.losses.softmax_cross_entropy(x, jnp.array([1.0, 0.0])))
print("class 0        ", number)
print("one-hot [1, 0] ", onehot)
last = [np.float32(by_number(jnp.array([0.0, 1.0]), jnp.array(label))) for label in (-1, 1)]
print(f"[0, 1], class -1 {last[0]:.8f}, class 1 {last[1]:.8f}")
assert number == 0 and np.isnan(onehot) and last[0] == last[1], "the behaviour has changed"
PYTHON
