#!/usr/bin/env bash
# CasADi 3.8.2.
# Guess: the two kinds of expressions of CasADi, SX and MX, have the same derivatives, also where there is a choice.
# Behaviour: the gradient of mmax where several numbers are the largest is halved again and again with SX, in the order
# of the numbers, and shared equally with MX.
# Seen:
#   gradient of mmax at [1, 2, 1]: SX [0.0, 1.0, 0.0]  MX [0.0, 1.0, 0.0]
#   gradient of mmax at [1, 1, 1, 1]: SX [0.125, 0.125, 0.25, 0.5]  MX [0.25, 0.25, 0.25, 0.25]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 casadi==3.8.2
"$folder/venv/bin/python" - <<'PYTHON'
import casadi

print("casadi", casadi.__version__)


def gradient(kind, at):
    x = kind.sym("x", len(at))
    function = casadi.Function("g", [x], [casadi.gradient(casadi.mmax(x), x)])
    return [round(v, 4) for v in function(at).full().ravel().tolist()]


seen = []
for at in ([1, 2, 1], [1, 1, 1, 1]):
    seen.append([gradient(kind, at) for kind in (casadi.SX, casadi.MX)])
    print(f"gradient of mmax at {at}: SX {seen[-1][0]}  MX {seen[-1][1]}")
assert seen[0] == [[0, 1, 0]] * 2
assert seen[1] == [[0.125, 0.125, 0.25, 0.5], [0.25] * 4], "the behaviour has changed"
PYTHON
