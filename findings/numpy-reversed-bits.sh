#!/usr/bin/env bash
# NumPy 2.4.6 (on x86-64 with AVX-512; elsewhere it may use one routine for both).
# Guess: f(x[::-1]) holds the same numbers as f(x)[::-1], bit for bit, for an elementwise f.
# Behaviour: an operand with a negative stride takes another routine, with other last bits: log1p, expm1, tan, cbrt, ...
# Seen:
#   log1p float32: 185 of 1000 differ
#   ... exp float64: 51 of 1000 differ
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
different = 0
numbers = np.random.default_rng(0).uniform(-0.9, 0.9, 1000)
for ufunc in (np.log1p, np.expm1, np.tan, np.arctan, np.cbrt, np.exp):
    for dtype in (np.float32, np.float64):
        x = numbers.astype(dtype)
        different += (count := int((ufunc(x[::-1])[::-1] != ufunc(x)).sum()))
        print(f"{ufunc.__name__} {x.dtype}: {count} of {x.size} differ")
if "X86_V4" in np.show_config("dicts")["SIMD Extensions"]["found"]:
    assert different, "the behaviour has changed"
PYTHON
