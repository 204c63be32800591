"""A network learns to read handwritten digits. Takes about five seconds.

It shows a whole training run: data in batches, a model made of layers, a loss, an optimiser, and the accuracy on digits
that took no part in training. The 1,797 digits of 8 by 8 pixels come with scikit-learn. It writes two pictures:
`digits_graph.svg`, the graph of one loss, and `digits_curve.svg`, the learning curve.
"""

# %%
import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import micrograd_np as mg


# %%
def shifted(images, rng):
    """Shift every other image (n, 64) by up to a pixel, so that the position of a digit matters less."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    corners = rng.integers(0, 3, size=(len(images), 2))
    corners[::2] = 1  # the middle: not shifted
    rows = corners[:, 0, None, None] + np.arange(8)[:, None]  # (n, 8, 1)
    columns = corners[:, 1, None, None] + np.arange(8)  # (n, 1, 8)
    return padded[np.arange(len(images))[:, None, None], rows, columns].reshape(-1, 64)


# %%
def accuracy(model, images, labels):
    """The share of images whose largest logit is that of their label."""
    with mg.no_grad():
        logits = model(mg.Tensor(images))
    return float((logits.numpy().argmax(axis=1) == labels).mean())


# %%
def main(epochs=60, seed=0, out="."):
    """Train, print the accuracies, write the pictures into the folder `out`; return accuracies, losses and paths."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    images, labels = load_digits(return_X_y=True)
    images = images / 16  # pixels are 0 to 16
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=seed
    )

    mg.random.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = mg.nn.Sequential(mg.nn.Linear(64, 128), mg.nn.ReLU(), mg.nn.Linear(128, 10))
    criterion = mg.nn.CrossEntropyLoss()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    history = mg.History()
    progress = tqdm(range(epochs), unit="epoch")
    for epoch in progress:
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - epoch / epochs)  # large steps first, small ones to settle
        total = 0.0
        for batch in np.array_split(rng.permutation(len(train_x)), len(train_x) // 32):
            loss = criterion(model(mg.Tensor(shifted(train_x[batch], rng))), train_y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        history.add({"loss": total / len(train_x), "test accuracy": accuracy(model, test_x, test_y)})
        progress.set_postfix(loss=f"{history['loss'][-1]:.4f}", test=f"{history['test accuracy'][-1]:.2%}")

    train = accuracy(model, train_x, train_y)
    print(f"train accuracy {train:.2%} of {len(train_x)} digits")
    test = history["test accuracy"][-1]
    print(f"test accuracy  {test:.2%} of {len(test_x)} unseen digits")

    graph = mg.draw(criterion(model(mg.Tensor(test_x[:32], name="images")), test_y[:32])).save(out / "digits_graph.svg")
    curve = history.plot().save(out / "digits_curve.svg")
    print(f"wrote the graph of one loss to {graph} and the learning curve to {curve}")
    return {"train": train, "test": test, "losses": history["loss"], "graph": graph, "curve": curve}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training digits (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
