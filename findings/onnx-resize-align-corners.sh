#!/usr/bin/env bash
# onnx 1.23.2 (its reference evaluator), tract 0.23.9, openvino 2026.4.1, onnxruntime 1.32.0, on the CPU.
# Guess: Resize with coordinate_transformation_mode="align_corners" keeps the first and the last element in place, by
# whatever factor: the operator's text divides by the length of the resized tensor, less one.
# Behaviour: where length times factor is no whole number, the reference evaluator, as the standard's own test cases do,
# and tract divide by that product less one: the last element is not the last any more. With sizes instead of factors
# all agree.
# Seen, of 0 1 2 3, linear:
#   by 1.5 last: onnxruntime 3.0 openvino 3.0 reference 3.0 tract 3.0
#   by 0.6 last: onnxruntime 3.0 openvino 3.0 reference 2.143 tract 2.143
#   by 1.7 last: onnxruntime 3.0 openvino 3.0 reference 2.586 tract 2.586
#   to 6   last: onnxruntime 3.0 openvino 3.0 reference 3.0 tract 3.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import openvino
import tract
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print("openvino", openvino.__version__.split("-")[0], "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)


def run(factor, n, by_size=False):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, w]) for name, w in (("x", 4), ("y", n))]
    given = np.array([1, 1, 1, n], np.int64) if by_size else np.array([1, 1, 1, factor], np.float32)
    names = ["x", "", "", "g"] if by_size else ["x", "", "g"]
    how = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    node = helper.make_node("Resize", names, ["y"], **how)
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [numpy_helper.from_array(given, "g")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    saved = model.SerializeToString()
    session = onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])
    compiled = openvino.compile_model(openvino.Core().read_model(saved), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        runnable = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable()
    results = session.run(None, {"x": x})[0], compiled([x])[compiled.outputs[0]]
    results = (*results, ReferenceEvaluator(model).run(None, {"x": x})[0], runnable.run([x])[0].to_numpy())
    last = [round(float(a.ravel()[-1]), 3) for a in results]
    what = f"to {n}" if by_size else f"by {factor}"
    print(f"{what:6} last: onnxruntime {last[0]} openvino {last[1]} reference {last[2]} tract {last[3]}")
    return last


seen = run(1.5, 6), run(0.6, 2), run(1.7, 6), run(1.7, 6, by_size=True)
assert seen[0] == seen[3] == [3] * 4 and all(row[:2] == [3, 3] for row in seen)
assert seen[1][2] == seen[1][3] < 3 and seen[2][2] == seen[2][3] < 3, "the behaviour has changed"
PYTHON
