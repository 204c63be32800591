#!/usr/bin/env bash
# JAX 0.10.2 (numpy 2.4.6, scipy 1.17.1), on the CPU.
# Guess: jax.scipy.stats.norm.isf(q), the number that is exceeded with probability q, is exact for small q; that is what
# it is for.
# Behaviour: it is the quantile at 1 - q, which float32 rounds: infinite from 1e-8 on, in float64 from 1e-17 on.
# -norm.ppf(q), the same number by symmetry, is right.
# Seen:
#   float32 q 1e-06: isf 4.751, -ppf 4.753, scipy 4.753
#   float32 q 1e-08: isf inf, -ppf 5.612, scipy 5.612
#   float64 q 1e-20: isf inf, -ppf 9.262, scipy 9.262
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/python" - <<'PYTHON'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.scipy.stats
import numpy as np
import scipy.stats

print("jax", jax.__version__)
seen = []
for dtype, q in (("float32", 1e-6), ("float32", 1e-8), ("float64", 1e-20)):
    jax.config.update("jax_enable_x64", dtype == "float64")
    isf, ppf = (float(f(np.array(q, dtype))) for f in (jax.scipy.stats.norm.isf, jax.scipy.stats.norm.ppf))
    right = scipy.stats.norm.isf(q)
    print(f"{dtype} q {q:.0e}: isf {isf:.3f}, -ppf {-ppf:.3f}, scipy {right:.3f}")
    assert np.isclose(-ppf, right, rtol=1e-4)
    seen.append(isf)
assert 4.74 < seen[0] < 4.7525 and np.isinf(seen[1:]).all(), "the behaviour has changed"
PYTHON
