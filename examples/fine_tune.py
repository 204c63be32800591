"""A network goes to ONNX, comes back, and learns digits that it has never seen. Takes about six seconds.

It shows `mg.onnx.load`: a network that knows the digits 0 to 7 leaves as an ONNX file, as it might come from any other
framework. The file is loaded, its last layer is widened to ten classes, everything but that layer stands still, and a
hundred examples teach it 8 and 9 as well. The same layer on a network that knows nothing stands beside it. It leaves
`fine_tune.onnx`, `fine_tune.py`, which is the loaded network as a module to read, and a picture of the network.
"""

# %%
import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import micrograd_np as mg
from micrograd_np import nn, optim


# %%
def network(classes):
    """Two convolutions and a linear layer, for images of 8 × 8 pixels."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, classes),
    ).float()  # fmt: skip


# %%
def train(model, parameters, x, y, steps, rng):
    """Adam on batches of 50; returns the losses."""
    optimizer, losses = optim.Adam(parameters, lr=3e-3), []
    for _ in range(steps):
        batch = rng.integers(len(x), size=50)
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %%
def accuracy(model, x, y):
    """The share of images (n, 1, 8, 8) whose digit the model names."""
    model.eval()
    with mg.no_grad():
        return float((model(x).numpy().argmax(1) == y).mean())


# %%
def widened(model, rng):
    """The same network with ten classes: two more rows in the last layer, which alone trains on."""
    *_, weight, bias = model.parameters()
    for p in model.parameters():
        p.requires_grad_(p is weight or p is bias)
    weight.data = np.concatenate([weight.data, rng.normal(0, 0.02, (2, 512)).astype(np.float32)])
    bias.data = np.concatenate([bias.data, np.zeros(2, np.float32)])
    return [weight, bias]


# %%
def main(steps=150, seed=0, out="."):
    """Train, export, load, fine-tune, compare; return the accuracies on held-out digits, and the files."""
    out, rng = Path(out), np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    mg.manual_seed(seed)
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 1, 8, 8).astype(np.float32)
    parts = train_test_split(images, digits, test_size=0.3, stratify=digits, random_state=seed)
    learn_x, test_x, learn_y, test_y = parts

    first = network(8)
    old = learn_y < 8
    train(first, first.parameters(), learn_x[old], learn_y[old], steps, rng)
    file = out / "fine_tune.onnx"
    mg.onnx.export(first.eval(), images[:1], file, dynamic={"input": {0: "n"}})

    few = rng.permutation(len(learn_x))[:100]
    scores = {}
    for name, model in (("imported", mg.onnx.load(file)), ("knows nothing", network(8))):
        losses = train(model, widened(model, rng), learn_x[few], learn_y[few], steps, rng)
        scores[name] = accuracy(model, test_x, test_y)
        print(f"{scores[name]:6.1%} of {len(test_y)} digits right after 100 examples: {name} (loss {losses[-1]:.3f})")

    imported = mg.onnx.load(file)
    source = out / "fine_tune.py"
    source.write_text(imported.to_python(), encoding="utf-8")
    graph = mg.draw(imported(images[:1])).save(out / "fine_tune_graph.svg")
    print(f"wrote the file {file}, the network as Python {source}, and its graph {graph}")
    return {"scores": scores, "file": file, "source": source, "graph": graph}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=150, help="steps of each training (150)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and the split (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the files go (here)")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
