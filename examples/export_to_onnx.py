"""A network is trained here, exported to ONNX, and run by onnxruntime. Takes about five seconds.

It shows `mg.onnx.export`: a convolutional network learns handwritten digits, and leaves as one file that holds all a
server needs, the scaling of the pixels and the probabilities included. `serve` runs the file on digits never seen, with
onnxruntime and NumPy alone, and the answers are compared with the network's own. It writes `export_to_onnx.onnx`, and a
picture of the network. Install what it needs with `pip install 'micrograd_np[examples,onnx]' onnxruntime`.
"""

# %%
import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import micrograd_np as mg
from micrograd_np import nn


# %%
def network():
    """Two convolutions and a linear layer: images (n, 1, 8, 8) to a score for each digit (n, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, 10),
    ).float()  # fmt: skip


# %%
class Reader(nn.Module):
    """What is exported: a network with what comes before and after it, so that no server has to repeat that."""

    def __init__(self, scores):
        self.scores = scores

    def forward(self, pixels):
        """From pixels (n, 8, 8), whole numbers from 0 to 16, to digits (n,) and how likely each digit is (n, 10)."""
        scores = self.scores(pixels[:, None].astype(np.float32) / 16)
        return scores.argmax(axis=1), mg.softmax(scores, axis=1)


# %%
def serve(file, pixels):
    """What a program without this package does: load the file once, and answer."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    start = perf_counter()
    digits, probabilities = session.run(None, {"pixels": pixels})
    return digits, probabilities, perf_counter() - start


# %%
def main(epochs=8, seed=0, out="."):
    """Train, export, serve, compare; return the accuracy, the largest difference, and the files."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    mg.manual_seed(seed)
    images, digits = load_digits(return_X_y=True)
    pixels = images.reshape(-1, 8, 8).astype(np.uint8)
    learn_x, test_x, learn_y, test_y = train_test_split(
        pixels, digits, test_size=0.3, stratify=digits, random_state=seed
    )

    model = network()
    samples = mg.data.TensorDataset(learn_x[:, None].astype(np.float32) / 16, learn_y)
    batches = mg.data.DataLoader(samples, batch_size=50, shuffle=True)
    mg.fit(model, nn.CrossEntropyLoss(), mg.optim.Adam(model.parameters(), lr=3e-3), batches, epochs=epochs)

    reader, file = Reader(model).eval(), out / "export_to_onnx.onnx"
    names = {"input_names": ["pixels"], "output_names": ["digits", "probabilities"]}
    exported = mg.onnx.export(reader, test_x[:1], file, dynamic={"pixels": {0: "n"}}, **names)
    operators = ", ".join(node.op_type for node in exported.graph.node)
    print(f"wrote {file}: {file.stat().st_size / 1000:.0f} kB, {operators}")

    served, likely, seconds = serve(file, test_x)
    with mg.no_grad():
        ours = [t.numpy() for t in reader(mg.Tensor(test_x))]
    test, difference = float((served == test_y).mean()), float(np.abs(likely - ours[1]).max())
    print(f"onnxruntime reads {test:.1%} of {len(test_x)} digits right, in {seconds * 1000:.0f} ms")
    print(f"the same digits as here: {np.array_equal(served, ours[0])}; probabilities differ by up to {difference:.0e}")

    graph = mg.draw(reader(test_x[:1])[1]).save(out / "export_to_onnx_graph.svg")
    print(f"wrote the graph of the network to {graph}")
    return {"test": test, "difference": difference, "served": served, "ours": ours[0], "file": file, "graph": graph}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training digits (8)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the files go (here)")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
