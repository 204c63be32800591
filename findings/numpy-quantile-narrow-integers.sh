#!/usr/bin/env bash
# NumPy 2.4.6.
# Guess: a quantile lies between the smallest and the largest number, and the quantile at 0.5 is the median, in any dtype.
# Behaviour: numpy.quantile interpolates integers in their own dtype, where the difference of two of them can overflow.
#   The result lies outside the data; only the first call warns, and numpy.median and float64 have the right value.
# Seen:
#   int8 [-100  100]: quantiles at 0.1, 0.5, 0.9 are [-105.6  128.   105.6]; median 0.0; as float64 [-80.   0.  80.]
#   ... and the same with int16, int32 and int64 near their limits
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
for dtype in ("int8", "int16", "int32", "int64"):
    x = np.array([-0.79, 0.79])
    x = (x * np.iinfo(dtype).max).astype(dtype) if dtype != "int8" else np.array([-100, 100], dtype)
    q = np.quantile(x, [0.1, 0.5, 0.9])
    right = np.quantile(x.astype(float), [0.1, 0.5, 0.9])
    print(f"{dtype} {x}: quantiles at 0.1, 0.5, 0.9 are {q}; median {np.median(x)}; as float64 {right}")
    assert q[1] > x.max() and q[0] < x.min() and abs(np.median(x)) < 1, "the behaviour has changed"
PYTHON
