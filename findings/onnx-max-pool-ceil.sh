#!/usr/bin/env bash
# onnx 1.23.2 (its shape inference), openvino 2026.4.1, onnxruntime 1.32.0, PyTorch 2.13.0, on the CPU.
# Guess: the number of places of a MaxPool with ceil_mode is one number.
# Behaviour: where the last window would lie in the padding alone, PyTorch and onnxruntime leave it out; shape inference
# counts it, so that onnxruntime warns about a right model, and OpenVINO fills it with the smallest float32.
# Seen, of 1 2 3 4 5 in windows of 2 with a step of 3, padded by 1:
#   PyTorch [1.0, 4.0]
#   onnxruntime [1.0, 4.0]
#   shape inference 3 places
#   openvino [1.0, 4.0, -3.4028234663852886e+38]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
import torch
from onnx import TensorProto, helper

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.array([[[1, 2, 3, 4, 5]]], np.float32)
pool = {"kernel_shape": [2], "strides": [3], "pads": [1, 1], "ceil_mode": 1}
ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5]), helper.make_empty_tensor_value_info("y")]
graph = helper.make_graph([helper.make_node("MaxPool", ["x"], ["y"], **pool)], "g", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
onnx.checker.check_model(model, full_check=True)
places = model.graph.output[0].type.tensor_type.shape.dim[2].dim_value
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
saved = model.SerializeToString()
session = onnxruntime.InferenceSession(saved, options, providers=["CPUExecutionProvider"])
compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
runtime, other = session.run(None, {"x": x})[0].ravel().tolist(), compiled([x])[compiled.outputs[0]].ravel().tolist()
peer = torch.nn.functional.max_pool1d(torch.from_numpy(x), 2, 3, 1, ceil_mode=True).ravel().tolist()
print(f"PyTorch {peer}\nonnxruntime {runtime}\nshape inference {places} places\nopenvino {other}")
assert peer == [1, 4]
smallest = float(np.finfo(np.float32).min)
assert runtime == peer and places == 3 and other == [1, 4, smallest], "the behaviour has changed"
PYTHON
