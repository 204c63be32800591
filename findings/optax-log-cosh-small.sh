#!/usr/bin/env bash
# optax 0.2.8, jax 0.10.2 (numpy 2.4.6), on a CPU, float32.
# Guess: log cosh of a small error e is e^2 / 2, so a loss that goes to zero keeps its digits.
# Behaviour: it is computed as logaddexp(e, -e) - log 2, whose terms are near 0.69. An error of 1e-4 costs 0, of 1e-3 a
# fourteenth too much; the gradient is right to three digits.
# Seen:
#   error   loss         e^2 / 2      gradient
#   1e-02   4.994869e-05 5.000000e-05 9.999692e-03
#   1e-03   5.364418e-07 5.000000e-07 9.999871e-04
#   1e-04   0.000000e+00 5.000000e-09 1.000166e-04
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q optax==0.2.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import optax

print("optax", version("optax"), "jax", version("jax"))
zero = jnp.float32(0)
loss = {}
for e in (1e-2, 1e-3, 1e-4):
    x = jnp.float32(e)
    loss[e] = float(optax.losses.log_cosh(x, zero))
    slope = float(jax.grad(optax.losses.log_cosh)(x, zero))
    print(f"{e:.0e}   {loss[e]:.6e} {e * e / 2:.6e} {slope:.6e}")
assert loss[1e-4] == 0 and abs(loss[1e-3] / 5e-7 - 1) > 0.01, "the behaviour has changed"
PYTHON
