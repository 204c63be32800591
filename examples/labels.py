"""A network predicts which digits, one to three of them, occur in an image. Takes about half a minute.

It shows one input with several labels: ten outputs, each the probability that its digit occurs. They are independent,
so the loss is a binary cross-entropy for each output. An image has 20 by 20 pixels and shows one to three of
scikit-learn's digits, each at a random position in its own quarter. Training images are generated in every epoch; the
test images are made of digits that no training image contains. It writes three pictures: `labels_graph.svg`, the graph
of one loss; `labels_curve.svg`, the learning curve; and `labels_scenes.svg`, ten test images with their predictions.
"""

# %%
import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import micrograd_np as mg


# %%
def scenes(images, digits, count, rng):
    """`count` scenes (count, 1, 20, 20) of one to three images, and the digits that occur, as 0 or 1 (count, 10)."""
    pictures = np.zeros((count, 1, 20, 20), np.float32)
    there = np.zeros((count, 10), np.float32)
    for picture, present in zip(pictures[:, 0], there, strict=True):
        for quarter in rng.permutation(4)[: rng.integers(1, 4)]:
            chosen = rng.integers(len(images))
            top, left = 10 * np.array(divmod(quarter, 2)) + rng.integers(0, 3, size=2)
            picture[top : top + 8, left : left + 8] = images[chosen]
            present[digits[chosen]] = 1
    return pictures, there


# %%
def network():
    """Local features, and a maximum over all positions, so that the position of a digit does not matter."""
    nn = mg.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 10, 1), nn.MaxPool2d(5), nn.Flatten(),
    )  # fmt: skip


# %%
def all_right(logits, there):
    """The share of scenes with all ten labels right."""
    return float(((logits > 0) == (there > 0.5)).all(axis=1).mean())


# %%
def show(pictures, there, chances, path):
    """Draw scenes; above each its digits, and those that the network gives a probability above one half."""
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    for axes, picture, present, chance in zip(figure.subplots(2, 5).flat, pictures[:, 0], there, chances, strict=True):
        axes.imshow(picture, cmap="gray_r")
        predicted = ", ".join(f"{digit} {chance[digit]:.0%}" for digit in np.flatnonzero(chance > 0.5)) or "nothing"
        axes.set_title(f"labels: {', '.join(map(str, np.flatnonzero(present)))}\npredicted: {predicted}", fontsize=8)
        axes.axis("off")
    figure.savefig(path)
    return path


# %%
def main(epochs=16, seed=0, out=".", compile=True, count=5000):
    """Train on `count` new scenes in each epoch, print the accuracy on 1,000 others, and write the pictures."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8) / 16  # pixels are 0 to 16
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits, test_size=0.2, stratify=digits, random_state=seed
    )
    mg.random.manual_seed(seed)

    def fresh(batch, rng):
        return [mg.Tensor(part) for part in scenes(train_x, train_y, len(batch), rng)]

    learn = mg.data.DataLoader(np.arange(count), 50, transform=fresh, drop_last=True)
    pictures, there = scenes(test_x, test_y, 1000, np.random.default_rng(seed))
    test = mg.data.DataLoader(mg.data.TensorDataset(pictures, there), 100)

    model = network().float()
    criterion = mg.nn.BCEWithLogitsLoss()
    optimizer = mg.optim.Adam(model.parameters(), lr=5e-3)
    schedule = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    metrics = {"labels right": lambda z, y: mg.training.binary_accuracy(z, y, threshold=0), "scenes right": all_right}
    history = mg.fit(
        model, criterion, optimizer, learn, epochs=epochs,
        validation=test, metrics=metrics, scheduler=schedule, compile=compile,
    )  # fmt: skip

    shares = {name: history[f"validation {name}"][-1] for name in metrics}
    shares["always no"] = 1 - float(there.mean())
    print(f"{shares['scenes right']:.1%} of 1,000 scenes of unseen digits have all ten labels right")
    print(
        f"{shares['labels right']:.2%} of all labels are right; always predicting 'no' gets {shares['always no']:.2%}"
    )

    model.eval()
    with mg.no_grad():
        chances = mg.sigmoid(model(mg.Tensor(pictures[:10]))).numpy()
    shown = show(pictures[:10], there[:10], chances, out / "labels_scenes.svg")
    loss = criterion(model(mg.Tensor(pictures[:10], name="scenes")), there[:10])
    graph = mg.draw(loss).save(out / "labels_graph.svg")
    history.plot(curve := out / "labels_curve.svg")
    print(f"wrote the graph of one loss to {graph}, the learning curve to {curve} and scenes to {shown}")
    return shares | {"losses": history["loss"], "graph": graph, "curve": curve, "shown": shown}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=16, help="epochs of 5,000 new scenes each (16)")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
