#!/usr/bin/env bash
# onnxruntime 1.32.0, on the CPU.
# Guess: Elu and Selu of a small negative number are that number (times 1.758 for Selu), within rounding.
# Behaviour: they are exp(x) - 1 as written, so that -1e-8 gives 0, and -1e-6 is wrong in the second digit.
# Seen:
#   Elu  of -1e-08 is 0, should be -1e-08
#   Elu  of -1e-06 is -1.0133e-06, should be -1e-06
#   Selu of -1e-08 is 0, should be -1.7581e-08
#   Selu of -1e-06 is -1.7814e-06, should be -1.7581e-06
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

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
x = np.array([-1e-8, -1e-6], np.float32)
seen = {}
for op, factor in (("Elu", 1.0), ("Selu", 1.05070102214813232421875 * 1.67326319217681884765625)):
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])] for name in "xy")
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (seen[op],) = session.run(None, {"x": x})
    for argument, value in zip(x, seen[op]):
        print(f"{op:4} of {argument:.0e} is {value:.5g}, should be {factor * np.expm1(np.float64(argument)):.5g}")
assert seen["Elu"][0] == 0 and seen["Selu"][0] == 0 and seen["Elu"][1] < -1.001e-6, "the behaviour has changed"
PYTHON
