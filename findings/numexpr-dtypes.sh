#!/usr/bin/env bash
# NumExpr 2.14.2 (numpy 2.4.6).
# Guess: evaluate finds the dtype of a result as NumPy does: int64 with float32 gives float64, uint64 stays unsigned,
# and sums of int32 are taken in int64.
# Behaviour: int64 with float32 gives float32, which holds no number above 2**24 exactly; uint64 is read as int64, so
# that a large number is below -1; sum and prod of int32 wrap around in int32. max and min pass over a nan.
# Seen:
#   a + b  int64 and float32 numpy 16777217.0  numexpr 16777216.0
#   a > b  uint64 and int64  numpy True  numexpr False
#   sum(a) int32             numpy 2147483648  numexpr -2147483648
#   max(a) float64           numpy nan  numexpr 2.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 numexpr==2.14.2
"$folder/venv/bin/python" - <<'PYTHON'
import numexpr
import numpy as np

print("numexpr", numexpr.__version__, "numpy", np.__version__)
cases = {
    "a + b": (np.array([2**24 + 1]), np.zeros(1, np.float32)),
    "a > b": (np.array([2**63], np.uint64), np.array([-1])),
    "sum(a)": (np.array([2**31 - 1, 1], np.int32),),
    "max(a)": (np.array([1.0, np.nan, 2.0]),),
}
seen = {}
for text, arrays in cases.items():
    named = dict(zip("ab", arrays))
    right = eval(text, {"sum": np.sum, "max": np.max}, named)
    seen[text] = [np.asarray(r).ravel()[0].item() for r in (right, numexpr.evaluate(text, named))]
    print(f"{text:6} {' and '.join(str(a.dtype) for a in arrays):17} numpy {seen[text][0]}  numexpr {seen[text][1]}")
assert seen["a + b"] == [2**24 + 1, 2**24] and seen["a > b"] == [True, False], "the behaviour has changed"
assert seen["sum(a)"] == [2**31, -(2**31)] and str(seen["max(a)"]) == "[nan, 2.0]", "the behaviour has changed"
PYTHON
