#!/usr/bin/env bash
# safetensors 0.8.0 (numpy 2.4.6).
# Guess: load(bytes) gives the arrays in the order of the file's header, the same in every process.
# Behaviour: each process has an order of its own, even with PYTHONHASHSEED fixed.
# Seen:
#   orders in eight processes: acdefbgh aceghdbf bgadehfc bgdhcfea cbgefhad debfachg ghbefdac hbcfdaeg
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 safetensors==0.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import os
import subprocess
import sys

import numpy as np
import safetensors

print("numpy", np.__version__, "safetensors", safetensors.__version__)
program = """
import numpy as np
from safetensors.numpy import load, save
print(*load(save({name: np.zeros(1) for name in "abcdefgh"})), sep="")
"""
environment = {**os.environ, "PYTHONHASHSEED": "0"}
orders = [
    subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
    for _ in range(8)
]
print("orders in eight processes:", *sorted(set(map(str.strip, orders))))
assert len(set(orders)) > 1, "the behaviour has changed"
PYTHON
