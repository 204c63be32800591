"""A network says which digits, how many of them it is not told, lie about in a picture. Takes about half a minute.

It shows one input with many labels at once: ten outputs, each the probability that its digit is there, independent of
one another, so that the loss is a binary cross-entropy for each and not a choice among ten. A scene of 20 by 20 pixels
has one to three of the digits that scikit-learn brings along, each at a random place in a quarter of its own. Scenes to
learn from are made as they are needed; those of the test are made of digits that occur in none of them. It leaves
`labels_graph.svg`, the computation of one loss, `labels_curve.svg`, how the learning went, and `labels_scenes.svg`,
some scenes with what the network says of them.
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
    """`count` pictures (count, 1, 20, 20) of one to three of the images, and which digits are there (count, 10)."""
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
    """Features of small places, pooled to the strongest answer anywhere: where a digit lies does not matter."""
    nn = mg.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 10, 1), nn.MaxPool2d(5), nn.Flatten(),
    )  # fmt: skip


# %%
def all_right(logits, there):
    """The share of scenes of which all ten labels are right."""
    return float(((logits > 0) == (there > 0.5)).all(axis=1).mean())


# %%
def show(pictures, there, chances, path):
    """Scenes, above each what is there and what the network gives half a chance or more."""
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    for axes, picture, present, chance in zip(figure.subplots(2, 5).flat, pictures[:, 0], there, chances, strict=True):
        axes.imshow(picture, cmap="gray_r")
        said = ", ".join(f"{digit} {chance[digit]:.0%}" for digit in np.flatnonzero(chance > 0.5)) or "nothing"
        axes.set_title(f"there: {', '.join(map(str, np.flatnonzero(present)))}\nsaid: {said}", fontsize=8)
        axes.axis("off")
    figure.savefig(path)
    return path


# %%
def main(epochs=16, seed=0, out=".", compile=True, count=5000):
    """Learn from `count` scenes in each epoch, tell how well 1,000 others are read, and leave the pictures."""
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

    found = {name: history[f"validation {name}"][-1] for name in metrics}
    found["by saying no"] = 1 - float(there.mean())
    print(f"{found['scenes right']:.1%} of 1,000 scenes made of digits never seen are read without a mistake")
    print(f"{found['labels right']:.2%} of their labels are right; {found['by saying no']:.2%} are by always saying no")

    model.eval()
    with mg.no_grad():
        chances = mg.sigmoid(model(mg.Tensor(pictures[:10]))).numpy()
    shown = show(pictures[:10], there[:10], chances, out / "labels_scenes.svg")
    loss = criterion(model(mg.Tensor(pictures[:10], name="scenes")), there[:10])
    graph = mg.draw(loss).save(out / "labels_graph.svg")
    history.plot(curve := out / "labels_curve.svg")
    print(f"wrote the computation of one loss to {graph}, the learning curve to {curve} and scenes to {shown}")
    return found | {"losses": history["loss"], "graph": graph, "curve": curve, "shown": shown}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=16, help="times 5,000 new scenes (16)")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
