#!/usr/bin/env bash
# NumPy 2.4.6.
# Guess: np.isnan(x, out=flags) writes every element of flags, whatever the strides of flags.
# Behaviour: into flags whose elements do not lie together, three of every four results (seven of eight for float64) are
# not written: old values stay. The same holds for isinf, isfinite and signbit.
# Seen:
#   isnan float32 of 64 elements: 48 not written
#   ... signbit float64 of 64 elements: 56 not written
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
different = 0
for ufunc in (np.isnan, np.isinf, np.isfinite, np.signbit):
    for dtype in (np.float32, np.float64):
        x = np.ones(64, dtype)  # none is nan, infinite or negative
        expected = ufunc(x)
        table = np.full((64, 2), not expected[0])
        column = table[:, 0]
        ufunc(x, out=column)
        different += (count := int((column != expected).sum()))
        print(f"{ufunc.__name__} {x.dtype} of {x.size} elements: {count} not written")
assert different, "the behaviour has changed"
PYTHON
