#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator.
# Guess: Pad with a negative number of elements removes them, as the operator's text says and onnxruntime does.
# Behaviour: ValueError, from NumPy, in every mode.
# Seen:
#   constant onnxruntime [1, 2, 3, 0, 0]  reference: ValueError: index can't contain negative values
#   edge     onnxruntime [1, 2, 3, 3, 3]  reference: ValueError: index can't contain negative values
#   reflect  onnxruntime [1, 2, 3, 2, 1]  reference: ValueError: index can't contain negative values
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

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
arrays = {"x": np.arange(4, dtype=np.float32), "pads": np.array([-1, 2])}
for mode in ("constant", "edge", "reflect"):
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [4]),
        helper.make_tensor_value_info("pads", TensorProto.INT64, [2]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [5])]
    graph = helper.make_graph([helper.make_node("Pad", ["x", "pads"], ["y"], mode=mode)], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, arrays)
    try:
        found = str(ReferenceEvaluator(model).run(None, arrays))
    except ValueError as error:
        found = f"ValueError: {error}"
    print(f"{mode:8} onnxruntime {y.astype(int).tolist()}  reference: {found}")
    assert found.startswith("ValueError"), "the behaviour has changed"
PYTHON
