#!/usr/bin/env bash
# tract 0.23.9 (onnx 1.23.2, onnxruntime 1.32.0), on the CPU.
# Guess: float32 Softplus of 100 is 100, and of -20 it is 2e-9; LogSumExp of [100, 100] is 100.69.
# Behaviour: they are computed as written, by the exponential: infinite from 89 on, and Softplus is exactly 0 from -17
# on, so that the usual form of log(sigmoid(x)), -Softplus(-x), is -inf and 0.
# Seen:
#   Softplus of [-20.0, -17.0, 88.0, 100.0]: onnxruntime 2.06115e-09 4.13994e-08 88 100
#   Softplus of [-20.0, -17.0, 88.0, 100.0]: tract       0 0 88 inf
#   ReduceLogSumExp of [[80.0, 80.0], [100.0, 100.0]]: onnxruntime 80.6931 100.693
#   ReduceLogSumExp of [[80.0, 80.0], [100.0, 100.0]]: tract       80.6931 inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper

print("tract 0.23.9", "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


def run(op, x):
    x = np.array(x, np.float32)
    keeps = {"keepdims": 0, "axes": [1]} if op.startswith("Reduce") else {}
    sizes = [list(x.shape), list(x.shape[:1]) if keeps else list(x.shape)]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip("xy", sizes)]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], **keeps)], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, pathlib.Path(folder) / "m.onnx")
        other = tract.onnx().load(pathlib.Path(folder) / "m.onnx").into_model().into_runnable().run([x])[0].to_numpy()
    right = session.run(None, {"x": x})[0]
    for n, got in zip(("onnxruntime", "tract"), (right, other)):
        print(f"{op} of {x.tolist()}: {n:11} {' '.join(f'{v:.6g}' for v in got)}")
    return right, other


right, other = run("Softplus", [-20, -17, 88, 100])
assert np.allclose(right, [2.0612e-09, 4.1399e-08, 88, 100], rtol=1e-3)
log_sum, other_sum = run("ReduceLogSumExp", [[80, 80], [100, 100]])
assert np.allclose(log_sum, [80.693146, 100.693146])
assert np.allclose([other[2], other_sum[0]], [88, 80.693146])
assert [*other[:2], other[3], other_sum[1]] == [0, 0, np.inf, np.inf], "the behaviour has changed"
PYTHON
