#!/usr/bin/env bash
# onnx 1.23.2, its reference evaluator (onnxruntime 1.32.0).
# Guess: what the reference evaluator gives for an LSTM is what the operator's text says, with all its attributes.
# Behaviour: clip, activations, input_forget and sequence_lens are passed over without a word; only peepholes count.
# Seen, last hidden state of two sequences:
#   plain         onnxruntime  0.067 -0.155  reference  0.067 -0.155
#   clip          onnxruntime  0.058 -0.033  reference  0.067 -0.155
#   activations   onnxruntime  0.076  0.189  reference  0.067 -0.155
#   input_forget  onnxruntime  0.074 -0.076  reference  0.067 -0.155
#   sequence_lens onnxruntime  0.144 -0.155  reference  0.067 -0.155
#   peepholes     onnxruntime -0.010 -0.398  reference -0.010 -0.398
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
x = np.array([1, 2, -1, 0, 2, -1], np.float32).reshape(3, 2, 1)


def states(lengths=False, peepholes=False, **attributes):
    weights = np.array([0.5, -1, 1, 2] * 2, np.float32).reshape(2, 1, 4, 1)
    arrays = {"w": weights[0], "r": weights[1], "n": np.int32([1, 3]), "p": np.array([[3, -2, 1]], np.float32)}
    names = ["x", "w", "r", "", "n" if lengths else "", "", "", "p" if peepholes else ""]
    node = helper.make_node("LSTM", names, ["", "h"], hidden_size=1, **attributes)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [3, 2, 1]), ("h", [1, 2, 1]))]
    arrays = [numpy_helper.from_array(a, n) for n, a in arrays.items() if n in names]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(None, {"x": x})[0], ReferenceEvaluator(model).run(None, {"x": x})[0]
    return [" ".join(f"{v:6.3f}" for v in a.ravel()) for a in results]


seen = {
    "plain": states(),
    "clip": states(clip=0.3),
    "activations": states(activations=["Sigmoid", "Sigmoid", "Tanh"]),
    "input_forget": states(input_forget=1),
    "sequence_lens": states(lengths=True),
    "peepholes": states(peepholes=True),
}
for kind, (runtime, reference) in seen.items():
    print(f"{kind:13} onnxruntime {runtime}  reference {reference}")
(plain, same), *others, (peepholes, same_peepholes) = seen.values()
assert plain == same and peepholes == same_peepholes != plain and all(runtime != plain for runtime, _ in others)
assert all(reference == plain for _, reference in others), "the behaviour has changed"
PYTHON
