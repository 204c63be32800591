#!/usr/bin/env bash
# Bottleneck 1.6.0 (numpy 2.4.6).
# Guess: an outlier is forgotten by move_var, move_std and move_sum when it leaves the window.
# Behaviour: what was added with it stays: after a finite outlier all later results are wrong to the end of the array,
# and nothing warns. (That an infinity does so is documented.)
# Seen, window 2:
#   move_var of 1, 2, 1e9, 1, 2, 1, 2:   last 0.0, right 0.25
#   move_std of 1, 2, 1e9, 1, 2, 1, 2:   last 0.0, right 0.5
#   move_sum of 1, 2, 1e17, 1, 2, 1, 2:  last 0.0, right 3.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 bottleneck==1.6.0
"$folder/venv/bin/python" - <<'PYTHON'
import bottleneck as bn
import numpy as np

print("bottleneck", bn.__version__, "numpy", np.__version__)
for name, outlier, function in (("move_var", "1e9", np.var), ("move_std", "1e9", np.std), ("move_sum", "1e17", np.sum)):
    x = np.array([1, 2, float(outlier), 1, 2, 1, 2])
    moving = getattr(bn, name)(x, window=2)
    print(f"{f'{name} of 1, 2, {outlier}, 1, 2, 1, 2:':36} last {moving[-1]}, right {function(x[-2:])}")
    assert getattr(bn, name)(x[3:], window=2)[-1] == function(x[-2:])
    assert moving[-1] != function(x[-2:]) and np.isfinite(moving[-1]), "the behaviour has changed"
PYTHON
