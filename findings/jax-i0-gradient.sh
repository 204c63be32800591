#!/usr/bin/env bash
# JAX 0.10.2 (numpy 2.4.6, scipy 1.17.1), on the CPU.
# Guess: the derivative of the even, smooth function i0 at 0 is i1(0), which is 0, and jax.numpy.i0 is
# jax.scipy.special.i0.
# Behaviour: the derivative of jax.scipy.special.i0 at 0 is 1, within rounding, as that of abs is in JAX; beside 0 it is
# right. That of jax.numpy.i0 is 0.
# Seen:
#   jax.scipy.special.i0  at -0.001: -0.0005  at 0: 1.0000  at 0.001: 0.0005
#   jax.numpy.i0          at -0.001: -0.0005  at 0: 0.0000  at 0.001: 0.0005
#   jax.numpy.abs         at -0.001: -1.0000  at 0: 1.0000  at 0.001: 1.0000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/python" - <<'PYTHON'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy
import jax.scipy.special

print("jax", jax.__version__)
seen = {}
functions = {
    "jax.scipy.special.i0": jax.scipy.special.i0,
    "jax.numpy.i0": jax.numpy.i0,
    "jax.numpy.abs": jax.numpy.abs,
}
for name, function in functions.items():
    seen[name] = [round(float(jax.grad(function)(x)), 4) for x in (-1e-3, 0.0, 1e-3)]
    print(f"{name:21} at -0.001: {seen[name][0]:.4f}  at 0: {seen[name][1]:.4f}  at 0.001: {seen[name][2]:.4f}")
assert seen["jax.scipy.special.i0"] == [-0.0005, 1, 0.0005], "the behaviour has changed"
assert seen["jax.numpy.i0"] == [-0.0005, 0, 0.0005], "the behaviour has changed"
PYTHON
