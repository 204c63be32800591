#!/usr/bin/env bash
# onnxruntime 1.32.0, on the CPU.
# Guess: Pow of two int64 numbers is exact as long as int64 holds the result; a power of an odd number is odd.
# Behaviour: it goes through float64, so that results above 2**53 are rounded: 3**39 is even. The reference evaluator of
# onnx is exact.
# Seen:
#   3**39       onnxruntime 4052555153018976256  reference 4052555153018976267
#   7**22       onnxruntime 3909821048582988288  reference 3909821048582988049
#   94906267**2 onnxruntime 9007199515875288  reference 9007199515875289
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
arrays = {"x": np.array([3, 7, 94906267]), "y": np.array([39, 22, 2])}
info = [helper.make_tensor_value_info(name, TensorProto.INT64, [3]) for name in "xyz"]
graph = helper.make_graph([helper.make_node("Pow", ["x", "y"], ["z"])], "g", info[:2], info[2:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
(here,), (there,) = session.run(None, arrays), ReferenceEvaluator(model).run(None, arrays)
for x, y, a, b in zip(*(v.tolist() for v in (*arrays.values(), here, there))):
    print(f"{f'{x}**{y}':11} onnxruntime {a}  reference {b}")
    assert b == x**y and b % 2 == 1
    assert a == int(float(x**y)) != b, "the behaviour has changed"
PYTHON
