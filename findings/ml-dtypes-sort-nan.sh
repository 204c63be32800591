#!/usr/bin/env bash
# ml_dtypes 0.6.0 (numpy 2.4.6).
# Guess: np.sort of a bfloat16 array puts nan last and sorts the numbers, as it does for every floating dtype of NumPy.
# Behaviour: the nan stays where it is, and the numbers on its two sides are not sorted together; argsort does the same,
# and np.unique, which sorts, keeps what occurs twice. The float8 types behave like bfloat16.
# Seen, of [1, nan, -1, 1]:
#   float16       sort [-1.0, 1.0, 1.0, nan]  unique [-1.0, 1.0, nan]
#   bfloat16      sort [1.0, nan, -1.0, 1.0]  unique [1.0, nan, -1.0, 1.0]
#   float8_e5m2   sort [1.0, nan, -1.0, 1.0]  unique [1.0, nan, -1.0, 1.0]
#   float8_e4m3fn sort [1.0, nan, -1.0, 1.0]  unique [1.0, nan, -1.0, 1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 ml_dtypes==0.6.0
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np

print("ml_dtypes", ml_dtypes.__version__, "numpy", np.__version__)
seen = {}
for dtype in (np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn):
    x = np.array([1, np.nan, -1, 1]).astype(dtype)
    name, results = np.dtype(dtype).name, [f(x).astype(float) for f in (np.sort, np.unique)]
    seen[name] = [result[~np.isnan(result)].tolist() for result in results]
    print(f"{name:13} sort {results[0].tolist()}  unique {results[1].tolist()}")
    assert (np.argsort(x).tolist() == [0, 1, 2, 3]) == (name != "float16"), "the behaviour has changed"
assert seen.pop("float16") == [[-1, 1, 1], [-1, 1]]
assert all(numbers == [[1, -1, 1]] * 2 for numbers in seen.values()), "the behaviour has changed"
PYTHON
