#!/usr/bin/env bash
# OpenVINO 2026.4.1 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: an LSTM with peepholes (its input P), or with input_forget=1, runs as the operator's formulas say, or is
# refused.
# Behaviour: both are passed over without a word; the numbers are those of the plain LSTM.
# Seen, last hidden state:
#   plain        onnxruntime  0.067  openvino  0.067
#   peepholes    onnxruntime -0.010  openvino  0.067
#   input_forget onnxruntime  0.074  openvino  0.067
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
from onnx import TensorProto, helper, numpy_helper

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.array([1, -1, 2], np.float32).reshape(3, 1, 1)


def states(peepholes=False, **attributes):
    weights = np.array([0.5, -1, 1, 2] * 2, np.float32).reshape(2, 1, 4, 1)
    arrays = {"w": weights[0], "r": weights[1], "p": np.array([[3, -2, 1]], np.float32)}
    names = ["x", "w", "r", "", "", "", "", "p"] if peepholes else ["x", "w", "r"]
    node = helper.make_node("LSTM", names, ["", "h"], hidden_size=1, **attributes)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [3, 1, 1]), ("h", [1, 1, 1]))]
    arrays = [numpy_helper.from_array(a, n) for n, a in arrays.items() if n in names]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved = model.SerializeToString()
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = session.run(None, {"x": x})[0], compiled([x])[compiled.outputs[0]]
    return [round(a.item(), 3) for a in results]


seen = {"plain": states(), "peepholes": states(True), "input_forget": states(input_forget=1)}
for kind, (runtime, other) in seen.items():
    print(f"{kind:12} onnxruntime {runtime:6.3f}  openvino {other:6.3f}")
(plain, same), *others = seen.values()
assert plain == same and all(runtime != plain for runtime, _ in others)
assert all(other == plain for _, other in others), "the behaviour has changed"
PYTHON
