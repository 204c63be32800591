#!/usr/bin/env bash
# NumPy 2.4.6.
# Guess: einsum(..., dtype=np.int64) computes in int64, with optimize=True as well as without it.
# Behaviour: with optimize=True, an axis that only one of two arrays has is summed up in the array's own dtype first,
# and may overflow there; dtype holds only for the product after it. A sum over an axis that both have is right.
# Seen, of int8 arrays of 100 and of 1:
#   ij,jk->k   optimize=False [1200, 1200]  optimize=True [176, 176]
#   ij,jk->ik  optimize=False [400, 400]  optimize=True [400, 400]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
a, b = np.full((3, 4), 100, np.int8), np.ones((4, 2), np.int8)
seen = {}
for subscripts in ("ij,jk->k", "ij,jk->ik"):
    for optimize in (False, True):
        result = np.einsum(subscripts, a, b, dtype=np.int64, optimize=optimize)
        assert result.dtype == np.int64
        seen[subscripts, optimize] = (result if result.ndim == 1 else result[0]).tolist()
    print(f"{subscripts:10} optimize=False {seen[subscripts, False]}  optimize=True {seen[subscripts, True]}")
assert seen["ij,jk->k", False] == [1200, 1200] and seen["ij,jk->k", True] == [176, 176], "the behaviour has changed"
assert seen["ij,jk->ik", False] == seen["ij,jk->ik", True] == [400, 400], "the behaviour has changed"
PYTHON
