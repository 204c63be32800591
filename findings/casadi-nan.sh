#!/usr/bin/env bash
# CasADi 3.8.2.
# Guess: x != x finds a nan, and fmax(x, 0) of a nan is nan, or 0 with the derivative 0.
# Behaviour: x != x is 0 whatever x is, since an expression is compared with itself when it is built. fmax passes over
# a nan, as in C, but its derivative there is nan: a finite value with a gradient that is none. not_equal of two
# arguments finds the nan.
# Seen, at nan:
#   SX  x != x: 0.0  x != y: 1.0  fmax(x, 0): 0.0  derivative: nan
#   MX  x != x: 0.0  x != y: 1.0  fmax(x, 0): 0.0  derivative: nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 casadi==3.8.2
"$folder/venv/bin/python" - <<'PYTHON'
import math

import casadi

print("casadi", casadi.__version__)
seen = {}
for kind in (casadi.SX, casadi.MX):
    x, y = kind.sym("x"), kind.sym("y")
    largest = casadi.fmax(x, 0)
    found = {"x != x": x != x, "x != y": x != y, "fmax(x, 0)": largest, "derivative": casadi.gradient(largest, x)}
    functions = {name: casadi.Function("f", [x, y], [expression]) for name, expression in found.items()}
    seen[kind.__name__] = {name: float(f(math.nan, math.nan)) for name, f in functions.items()}
    print(kind.__name__, " ".join(f" {name}: {value}" for name, value in seen[kind.__name__].items()))
for values in seen.values():
    assert values["x != y"] == 1 and values["fmax(x, 0)"] == 0
    assert values["x != x"] == 0 and math.isnan(values["derivative"]), "the behaviour has changed"
PYTHON
