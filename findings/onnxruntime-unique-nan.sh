#!/usr/bin/env bash
# onnxruntime 1.32.0, on the CPU.
# Guess: Unique of numbers of which one is nan gives the other numbers and nan, as the reference evaluator of onnx does.
# Behaviour: the nan is lost if a number stands before it, and if it is the first element all numbers are lost.
# Seen:
#   [1.0, 2.0, nan]      onnxruntime [1.0, 2.0]  reference [1.0, 2.0, nan]
#   [1.0, nan, 2.0]      onnxruntime [1.0, 2.0]  reference [1.0, 2.0, nan]
#   [nan, 1.0, 2.0, 3.0] onnxruntime [nan]  reference [1.0, 2.0, 3.0, nan]
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
seen = []
for numbers in ([1.0, 2.0, np.nan], [1.0, np.nan, 2.0], [np.nan, 1.0, 2.0, 3.0]):
    x = np.array(numbers, np.float32)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(x)])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])]
    graph = helper.make_graph([helper.make_node("Unique", ["x"], ["y"])], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (here,), (there,) = session.run(None, {"x": x}), ReferenceEvaluator(model).run(None, {"x": x})
    print(f"{numbers!s:20} onnxruntime {here.tolist()}  reference {there.tolist()}")
    assert there[~np.isnan(there)].tolist() == sorted(x[~np.isnan(x)].tolist())
    seen.append(str(here.tolist()))
assert seen == ["[1.0, 2.0]", "[1.0, 2.0]", "[nan]"], "the behaviour has changed"
PYTHON
