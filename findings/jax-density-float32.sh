#!/usr/bin/env bash
# JAX 0.10.2 (numpy 2.4.6, scipy 1.17.1), on the CPU, in its default precision.
# Guess: a logarithm of a density or a probability is right to some digits in float32, as SciPy's in float64 is to many.
# Behaviour: it is a difference of logarithms of gamma functions, which are large numbers rounded to float32. Student's
# t with ten million degrees of freedom, which is nearly a normal distribution, and counts of a million are wrong in the
# first digit.
# Seen:
#   t.logpdf(0, 1e7)          -0.0000  scipy -0.9189
#   poisson.logpmf(1e6, 1e6)  -7.0000  scipy -7.8267
#   beta.logpdf(0.5, 1e7, 1e7) 18.0000  scipy 8.1798
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
cases = {
    "t.logpdf(0, 1e7)": ("t", "logpdf", (0.0, 1e7)),
    "poisson.logpmf(1e6, 1e6)": ("poisson", "logpmf", (1e6, 1e6)),
    "beta.logpdf(0.5, 1e7, 1e7)": ("beta", "logpdf", (0.5, 1e7, 1e7)),
}
errors = []
for call, (distribution, function, arguments) in cases.items():
    here = float(getattr(getattr(jax.scipy.stats, distribution), function)(*arguments))
    there = float(getattr(getattr(scipy.stats, distribution), function)(*arguments))
    print(f"{call:25} {here:7.4f}  scipy {there:.4f}")
    errors.append(abs(here - there))
assert max(errors) > 0.5, "the behaviour has changed"
PYTHON
