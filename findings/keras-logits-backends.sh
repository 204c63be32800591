#!/usr/bin/env bash
# Keras 3.15.1 with its backends numpy and jax (jax 0.10.2, numpy 2.4.6), on the CPU.
# Guess: binary_crossentropy(..., from_logits=True) of the label 1 is 100 for a logit of -100, on each backend.
# Behaviour: on numpy the probability is computed first and kept from 0 by 1e-7, so that no loss is larger than 16.1.
# sparse_categorical_crossentropy is 100 on both backends.
# Seen:
#   numpy binary 16.1181 sparse categorical 100.0000
#   jax   binary 100.0000 sparse categorical 100.0000
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

one, logits = np.ones(1, np.float32), np.array([[0, -100]], np.float32)
binary = float(keras.ops.binary_crossentropy(one, logits[0, 1:], from_logits=True)[0])
sparse = float(keras.ops.sparse_categorical_crossentropy(np.array([1]), logits, from_logits=True)[0])
print(f"binary {binary:.4f} sparse categorical {sparse:.4f}")
"""
seen = {}
for backend in ("numpy", "jax"):
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    seen[backend] = run.stdout.strip()
    print(f"{backend:5} {seen[backend]}")
assert seen["numpy"].startswith("binary 16.1") and seen["numpy"].endswith(" 100.0000"), "the behaviour has changed"
assert seen["jax"] == "binary 100.0000 sparse categorical 100.0000", "the behaviour has changed"
PYTHON
