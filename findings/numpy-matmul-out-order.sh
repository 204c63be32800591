#!/usr/bin/env bash
# NumPy 2.4.6 (with the OpenBLAS of its wheel).
# Guess: matmul gives the same numbers, bit for bit, whatever the memory order of the array they are written to.
# Behaviour: into a Fortran-ordered out, many elements differ in the last bits.
# Seen:
#   (3, 100) @ (100, 4): 3 of 12 elements differ, at most by 4.4e-15
#   ... (64, 100) @ (100, 65): 57 of 4160 elements differ, at most by 1.4e-14
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
rng = np.random.default_rng(0)
different = 0
for n in (3, 5, 8, 17, 33, 64):
    a, b = rng.standard_normal((n, 100)), rng.standard_normal((100, n + 1))
    c, f = np.empty((n, n + 1)), np.empty((n, n + 1), order="F")
    np.matmul(a, b, out=c)
    np.matmul(a, b, out=f)
    different += (count := int((c != f).sum()))
    print(f"({n}, 100) @ (100, {n + 1}): {count} of {c.size} elements differ, at most by {abs(c - f).max():.1e}")
assert different, "the behaviour has changed"
PYTHON
