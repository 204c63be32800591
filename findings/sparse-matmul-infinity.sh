#!/usr/bin/env bash
# sparse 0.19.3 (numpy 2.4.6).
# Guess: what is not stored is 0 in every product alike: either 0 times inf is nan, as for NumPy, or it is left out.
# Behaviour: elementwise it is nan, in a matrix product it is left out.
# Seen, of a = [[0, 1]] and b = [[inf], [2]]:
#   a * b.T  [[nan  2.]]
#   a @ b    [[2.]]
#   numpy    [[nan]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q sparse==0.19.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import sparse

print("sparse", version("sparse"))
a, b = np.array([[0.0, 1.0]]), np.array([[np.inf], [2.0]])
s = sparse.COO.from_numpy(a)
with np.errstate(invalid="ignore"):
    each, product, dense = (s * b.T), s @ b, a @ b
each = each.todense() if hasattr(each, "todense") else each
print("a * b.T ", each)
print("a @ b   ", product)
print("numpy   ", dense)
assert np.isnan(each[0, 0]) and np.array_equal(product, [[2.0]]) and np.isnan(dense[0, 0]), "the behaviour has changed"
PYTHON
