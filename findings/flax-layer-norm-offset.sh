#!/usr/bin/env bash
# flax 0.12.8, jax 0.10.2 (numpy 2.4.6), on a CPU, float32.
# Guess: LayerNorm of four numbers one apart gives -1.34, -0.45, 0.45 and 1.34, wherever they lie.
# Behaviour: around 101,000 it gives -1500 to 1500. The variance is the mean of the squares less the square of the mean;
# both are 1e10, their difference is lost and replaced by 0, and what is divided by is the square root of epsilon.
# GroupNorm does the same; with use_fast_variance=False LayerNorm is right.
# Seen, of 101000, 101001, 101002, 101003:
#   LayerNorm                [-1500.  -500.   500.  1500.]
#   GroupNorm                [-1500.  -500.   500.  1500.]
#   use_fast_variance=False  [-1.34164 -0.44721  0.44721  1.34164]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q flax==0.12.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import jax.numpy as jnp
import numpy as np
from flax import linen

print("flax", version("flax"), "jax", version("jax"))
x = jnp.arange(101000.0, 101004.0, dtype=jnp.float32)[None]
plain = {"use_bias": False, "use_scale": False}
seen = {
    "LayerNorm": linen.LayerNorm(**plain),
    "GroupNorm": linen.GroupNorm(num_groups=1, **plain),
    "use_fast_variance=False": linen.LayerNorm(**plain, use_fast_variance=False),
}
seen = {name: np.asarray(layer.apply({}, x))[0] for name, layer in seen.items()}
for name, z in seen.items():
    print(f"{name:23}", np.round(z, 5))
layer, group, slow = seen.values()
assert np.abs(layer).max() > 1000 and np.abs(group).max() > 1000, "the behaviour has changed"
assert np.allclose(slow, np.array([-3, -1, 1, 3]) / np.sqrt(5), atol=1e-4), "the behaviour has changed"
PYTHON
