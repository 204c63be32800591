#!/usr/bin/env bash
# NumPy 2.4.6.
# Guess: np.ldexp(1, 20) is 1048576, whatever kind of integer the 20 is.
# Behaviour: a Python integer as first argument and a NumPy integer as second give float16, which ends at 65504: the
# result is infinity. Two Python integers, a float, or an array as first argument give float64.
# Seen:
#   ldexp(1, 20)                       1048576.0 float64
#   ldexp(1, np.int64(20))             inf float16
#   ldexp(3, np.array([1, 10, 20]))    [6.0, 3072.0, inf] float16
#   ldexp(1.0, np.int64(20))           1048576.0 float64
#   ldexp(np.array([1]), np.int64(20)) [1048576.0] float64
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
results = {}
with np.errstate(over="ignore"):
    results["ldexp(1, 20)"] = np.ldexp(1, 20)
    results["ldexp(1, np.int64(20))"] = np.ldexp(1, np.int64(20))
    results["ldexp(3, np.array([1, 10, 20]))"] = np.ldexp(3, np.array([1, 10, 20]))
    results["ldexp(1.0, np.int64(20))"] = np.ldexp(1.0, np.int64(20))
    results["ldexp(np.array([1]), np.int64(20))"] = np.ldexp(np.array([1]), np.int64(20))
for call, result in results.items():
    print(f"{call:34} {result.tolist()} {result.dtype}")
dtypes = [str(result.dtype) for result in results.values()]
assert dtypes == ["float64", "float16", "float16", "float64", "float64"], "the behaviour has changed"
assert np.isinf(results["ldexp(1, np.int64(20))"]), "the behaviour has changed"
PYTHON
