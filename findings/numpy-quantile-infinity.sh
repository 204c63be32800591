#!/usr/bin/env bash
# NumPy 2.4.6.
# Guess: the quantile of [1, 2, inf] at 0.5 is the middle number, 2, as the median is.
# Behaviour: numpy.quantile, percentile and nanquantile give nan: the way from 2 to the next number, which is infinite,
# is multiplied by 0. The method "lower" gives 2.
# Seen:
#   median      2.0
#   quantile    nan
#   percentile  nan
#   nanquantile nan
#   lower       2.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
x = [1.0, 2.0, np.inf]
with np.errstate(invalid="ignore"):
    results = {
        "median": np.median(x),
        "quantile": np.quantile(x, 0.5),
        "percentile": np.percentile(x, 50),
        "nanquantile": np.nanquantile(x, 0.5),
        "lower": np.quantile(x, 0.5, method="lower"),
    }
for name, result in results.items():
    print(f"{name:11} {result}")
assert results["median"] == results["lower"] == 2, "the behaviour has changed"
assert all(np.isnan(results[name]) for name in ("quantile", "percentile", "nanquantile")), "the behaviour has changed"
PYTHON
