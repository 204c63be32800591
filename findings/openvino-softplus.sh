#!/usr/bin/env bash
# OpenVINO 2026.4.1 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: Softplus, log(1 + exp(x)), is positive, and float32 holds it to seven digits down to -87.
# Behaviour: between -12 and -20 it is wrong from the first digit on and negative in places, so that its logarithm is
# nan, and 0 from there on.
# Seen:
#      -5: onnxruntime  6.715e-03  openvino  6.715e-03
#     -10: onnxruntime  4.540e-05  openvino  4.482e-05
#     -12: onnxruntime  6.144e-06  openvino  5.722e-06
#     -14: onnxruntime  8.315e-07  openvino  9.537e-07
#     -16: onnxruntime  1.125e-07  openvino  9.537e-07
#     -20: onnxruntime  2.061e-09  openvino -1.907e-06
#     -40: onnxruntime  4.248e-18  openvino  0.000e+00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.array([-5, -10, -12, -14, -16, -20, -40], np.float32)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [x.size]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Softplus", ["x"], ["y"])], "g", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
saved = model.SerializeToString()
right = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
other = compiled([x])[compiled.outputs[0]]
for place, a, b in zip(x, right, other):
    print(f"{place:5.0f}: onnxruntime {a:10.3e}  openvino {b:10.3e}")
assert np.allclose(right, np.log1p(np.exp(x.astype(float))), rtol=1e-5) and np.allclose(other[0], right[0], rtol=1e-2)
assert (other < 0).any() and other[-1] == 0, "the behaviour has changed"
PYTHON
