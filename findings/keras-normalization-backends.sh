#!/usr/bin/env bash
# Keras 3.15.1 with its backends numpy and jax (jax 0.10.2, numpy 2.4.6), on the CPU.
# Guess: a BatchNormalization in training, or a LayerNormalization, gives numbers of variance 1 on each backend, also
# for 10000 ... 10003.
# Behaviour: on numpy, ops.moments takes the mean of the squares minus the square of the mean, of which nothing is left
# in float32, and both layers give numbers of 47. ops.var is right on both backends.
# Seen:
#   numpy var 1.25 moments 0.00 BatchNormalization [-47.4375, -15.8125, 15.8125, 47.4375]
#   numpy var 1.25 moments 0.00 LayerNormalization [-47.4375, -15.8125, 15.8125, 47.4375]
#   jax   var 1.25 moments 1.25 BatchNormalization [-1.3408, -0.4473, 0.4473, 1.3408]
#   jax   var 1.25 moments 1.25 LayerNormalization [-1.3408, -0.4473, 0.4473, 1.3408]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 jax==0.10.2 jaxlib==0.10.2 keras==3.15.1
"$folder/venv/bin/python" - <<'PYTHON'
import os
import subprocess
import sys
from importlib.metadata import version

print("keras", version("keras"), "jax", version("jax"))
program = """
import keras
import numpy as np

x = np.arange(10000, 10004, dtype=np.float32)
var, moments = float(keras.ops.var(x)), float(keras.ops.moments(x, axes=[0])[1])
batch = np.ravel(keras.layers.BatchNormalization()(x[:, None], training=True))
layer = np.ravel(keras.layers.LayerNormalization()(x[None]))
for name, y in (("BatchNormalization", batch), ("LayerNormalization", layer)):
    print(f"var {var:.2f} moments {moments:.2f} {name} {[round(float(v), 4) for v in y]}")
"""
seen = {}
for backend in ("numpy", "jax"):
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    seen[backend] = run.stdout.splitlines()
    print(*(f"{backend:5} {line}" for line in seen[backend]), sep="\n")
assert all("var 1.25 moments 0.00" in line and "[-47." in line for line in seen["numpy"]), "the behaviour has changed"
assert all("var 1.25 moments 1.25" in line and "[-1.3" in line for line in seen["jax"]), "the behaviour has changed"
PYTHON
