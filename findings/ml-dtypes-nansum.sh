#!/usr/bin/env bash
# ml_dtypes 0.6.0 (numpy 2.4.6).
# Guess: the nan-functions of NumPy pass over nan in a bfloat16 array, as in a float16 array.
# Behaviour: nanmax and nanmin do; nansum, nanmean, nanprod and nancumsum replace nothing and return nan, without a
# warning, since NumPy does not count bfloat16 among its inexact numbers.
# Seen, of [1, nan, 2]:
#   nanmax    float16 2.0  bfloat16 2.0
#   nanmin    float16 1.0  bfloat16 1.0
#   nansum    float16 3.0  bfloat16 nan
#   nanmean   float16 1.5  bfloat16 nan
#   nanprod   float16 2.0  bfloat16 nan
#   nancumsum float16 3.0  bfloat16 nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 ml_dtypes==0.6.0
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np

print("ml_dtypes", ml_dtypes.__version__, "numpy", np.__version__)
for function in (np.nanmax, np.nanmin, np.nansum, np.nanmean, np.nanprod, np.nancumsum):
    x = np.array([1, np.nan, 2])
    half, brain = (float(np.ravel(function(x.astype(dtype)))[-1]) for dtype in (np.float16, ml_dtypes.bfloat16))
    print(f"{function.__name__:9} float16 {half}  bfloat16 {brain}")
    skips = function in (np.nanmax, np.nanmin)
    assert not np.isnan(half) and np.isnan(brain) != skips, "the behaviour has changed"
assert not np.issubdtype(ml_dtypes.bfloat16, np.inexact)
PYTHON
