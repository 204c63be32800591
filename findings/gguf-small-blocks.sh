#!/usr/bin/env bash
# gguf 0.19.0 (numpy 2.4.6): weights as blocks of 32 with a scale each.
# Guess: eight bits keep at least what four bits keep, and a block's error is a part of its largest number.
# Behaviour: the scale is float16, and Q8_0 divides the largest number by 127, Q4_0 by 8. Where the largest is 1e-6 the
# scale of Q8_0 vanishes, and the whole block is 0; Q4_0 keeps it within a quarter.
# Seen, largest error as a part of the largest number:
#   largest  Q8_0    Q4_0
#   1e+00    0.0026  0.0623
#   1e-05    0.2589  0.0611
#   1e-06    1.0000  0.2439
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
error = {}
for largest in (1.0, 1e-5, 1e-6):
    x = (np.linspace(-1, 1, 256) * largest).astype(np.float32)[None]
    for kind in (Kind.Q8_0, Kind.Q4_0):
        z = quants.dequantize(quants.quantize(x, kind), kind)
        error[kind.name, largest] = float(np.abs(z - x).max() / largest)
    print(f"{largest:.0e}   ", "  ".join(f"{error[name, largest]:.4f}" for name in ("Q8_0", "Q4_0")))
assert error["Q8_0", 1e-6] == 1 and error["Q4_0", 1e-6] < 0.3, "the behaviour has changed"
assert error["Q8_0", 1.0] < error["Q4_0", 1.0], "the behaviour has changed"
PYTHON
