#!/usr/bin/env bash
# safetensors 0.8.0 (numpy 2.4.6).
# Guess: safetensors.numpy.save writes a transposed array as the values that it shows, or refuses it.
# Behaviour: the elements come back in other places, silently: memory order is written under the transposed shape.
# Seen:
#   written [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
#   read    [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 safetensors==0.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load, save

print("numpy", np.__version__, "safetensors", safetensors.__version__)
written = np.arange(6.0).reshape(2, 3).T
read = load(save({"a": written}))["a"]
print("written", written.tolist())
print("read   ", read.tolist())
assert read.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]] != written.tolist(), "the behaviour has changed"
PYTHON
