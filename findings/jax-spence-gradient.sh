#!/usr/bin/env bash
# JAX 0.10.2 (numpy 2.4.6, scipy 1.17.1), on the CPU.
# Guess: the derivative of jax.scipy.special.spence is log(x) / (1 - x), which is smooth for positive x; at 1 it is -1.
# Behaviour: it is 0 at 1, and nan from there up to 2, with 2 included; the values there are right.
# Seen, in float64:
#   x 0.5: value 0.582241, gradient -1.386294, log(x) / (1 - x) -1.386294
#   x 1.0: value 0.000000, gradient 0.000000, log(x) / (1 - x) -1.000000
#   x 1.5: value -0.448414, gradient nan, log(x) / (1 - x) -0.810930
#   x 2.0: value -0.822467, gradient nan, log(x) / (1 - x) -0.693147
#   x 3.0: value -1.436746, gradient -0.549306, log(x) / (1 - x) -0.549306
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/python" - <<'PYTHON'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import numpy as np
import scipy.special
from jax.scipy.special import spence

print("jax", jax.__version__)
jax.config.update("jax_enable_x64", True)
seen = {}
for x in (0.5, 1.0, 1.5, 2.0, 3.0):
    value, gradient = (float(y) for y in jax.value_and_grad(spence)(x))
    right = -1.0 if x == 1 else np.log(x) / (1 - x)
    print(f"x {x}: value {value:.6f}, gradient {gradient:.6f}, log(x) / (1 - x) {right:.6f}")
    assert np.isclose(value, scipy.special.spence(x))
    seen[x] = "nan" if np.isnan(gradient) else bool(np.isclose(gradient, right)) or gradient
assert seen == {0.5: True, 1.0: 0, 1.5: "nan", 2.0: "nan", 3.0: True}, "the behaviour has changed"
PYTHON
