#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator.
# Guess: LRN divides every channel by what it and its neighbours hold, in a batch of any size, as onnxruntime does.
# Behaviour: only as many channels are divided as the batch has examples; the others keep their numbers.
# Seen, of the channels 1, 2, 3, 4:
#   batch of 1: onnxruntime 0.17 0.13 0.10 0.15  reference 0.17 2.00 3.00 4.00
#   batch of 2: onnxruntime 0.17 0.13 0.10 0.15  reference 0.17 0.13 3.00 4.00
#   batch of 4: onnxruntime 0.17 0.13 0.10 0.15  reference 0.17 0.13 0.10 0.15
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
for batch in (1, 2, 4):
    x = np.tile(np.arange(1, 5, dtype=np.float32), (batch, 1)).reshape(batch, 4, 1, 1)
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    node = helper.make_node("LRN", ["x"], ["y"], size=3, alpha=3.0, beta=1.0)
    graph = helper.make_graph([node], "g", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    here, there = (f(None, {"x": x})[0][0].ravel() for f in (session.run, ReferenceEvaluator(model).run))
    print(f"batch of {batch}: onnxruntime", *(f"{y:.2f}" for y in here), " reference", *(f"{y:.2f}" for y in there))
    assert np.allclose(here, [1 / 6, 2 / 15, 3 / 30, 4 / 26])
    kept = there == x[0].ravel()
    assert kept.tolist() == [i >= batch for i in range(4)], "the behaviour has changed"
PYTHON
