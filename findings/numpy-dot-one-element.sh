#!/usr/bin/env bash
# NumPy 2.4.6 (with the OpenBLAS of its wheel).
# Guess: np.dot of an (n, 1) and a (1, 1) array is their product, and so nan where nan or an infinity meets 0.
# Behaviour: where the one element is 0 the result is 0 everywhere; np.matmul and * give nan, and so does np.dot as soon
# as the second array has two columns, or the first has one row.
# Seen:
#   dot: [0. 0. 0.]  matmul: [nan nan  0.]  *: [nan nan  0.]  the first of two columns: [nan nan  0.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
x, zero = np.array([[np.nan], [np.inf], [1.0]]), np.zeros((1, 1))
with np.errstate(invalid="ignore"):
    dot, matmul, product = np.dot(x, zero), np.matmul(x, zero), x * zero
    wider = np.dot(x, np.array([[0.0, 1.0]]))
print(f"dot: {dot.ravel()}  matmul: {matmul.ravel()}  *: {product.ravel()}  the first of two columns: {wider[:, 0]}")
assert np.isnan(matmul).sum() == np.isnan(wider[:, 0]).sum() == 2
assert not np.isnan(dot).any(), "the behaviour has changed"
PYTHON
