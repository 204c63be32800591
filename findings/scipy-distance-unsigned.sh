#!/usr/bin/env bash
# SciPy 1.17.1 (numpy 2.4.6).
# Guess: a function of scipy.spatial.distance for two vectors gives what cdist gives for them, as for two rows of an
# 8-bit image.
# Behaviour: cdist takes the differences in float64; euclidean, cityblock, chebyshev, minkowski and cosine calculate in
# uint8, where they wrap around: the distance is wrong, and only cosine warns. sqeuclidean, braycurtis and correlation
# are right.
# Seen:
#   euclidean   vectors 316.0063  cdist 306.1307
#   minkowski   vectors 316.0063  cdist 306.1307
#   cityblock   vectors 458.0000  cdist 434.0000
#   chebyshev   vectors 252.0000  cdist 240.0000
#   cosine      vectors 0.0000  cdist 0.9098
#   sqeuclidean vectors 93716.0000  cdist 93716.0000
#   braycurtis  vectors 0.9042  cdist 0.9042
#   correlation vectors 1.4631  cdist 1.4631
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy.spatial import distance

print("scipy", scipy.__version__, "numpy", np.__version__)
u, v = np.array([200, 10, 3], np.uint8), np.array([10, 250, 7], np.uint8)
wrong = ["euclidean", "minkowski", "cityblock", "chebyshev", "cosine"]
for name in [*wrong, "sqeuclidean", "braycurtis", "correlation"]:
    with np.errstate(over="ignore"):
        single, table = getattr(distance, name)(u, v), distance.cdist(u[None], v[None], name).item()
    print(f"{name:11} vectors {single:.4f}  cdist {table:.4f}")
    assert np.isclose(table, getattr(distance, name)(u.astype(float), v.astype(float)))
    assert np.isclose(single, table) == (name not in wrong), "the behaviour has changed"
PYTHON
