"""A convolutional network reads 99 % of unseen handwritten digits correctly. Takes about twenty seconds.

It shows convolution, batch normalization and pooling; data augmentation in the loader, which shifts each image by up to
a pixel; a learning rate that rises and then falls; and a training step compiled into one NumPy program that computes
the same bits. The 1,797 digits of 8 by 8 pixels come with scikit-learn. It writes two pictures: `digits_cnn_graph.svg`,
the graph of one loss, and `digits_cnn_curve.svg`, the learning curve.
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
def network():
    """From images (n, 1, 8, 8) to ten logits; after each pooling, twice the area per feature."""
    nn = mg.nn
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 2 * 2, 10),
    )  # fmt: skip


# %%
def shifted(batch, rng):
    """Shift each image (n, 1, 8, 8) by up to a pixel, so that the position of a digit matters less."""
    images, labels = batch
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    corners = rng.integers(0, 3, size=(len(labels), 2))
    shifts = [image[:, top : top + 8, left : left + 8] for image, (top, left) in zip(padded, corners, strict=True)]
    return [mg.Tensor(np.stack(shifts)), labels]


# %%
def main(epochs=20, seed=0, out=".", compile=True):
    """Train, print the test accuracy, write the pictures into the folder `out`; return accuracy, losses and paths."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)  # pixels are 0 to 16
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=seed
    )

    mg.random.manual_seed(seed)
    learn, test = mg.data.TensorDataset(train_x, train_y), mg.data.TensorDataset(test_x, test_y)
    batches = mg.data.DataLoader(learn, batch_size=64, shuffle=True, drop_last=True, transform=shifted)
    test_batches = mg.data.DataLoader(test, batch_size=60)
    model = network().float()
    criterion = mg.nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = mg.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = mg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, epochs=epochs, steps_per_epoch=len(batches))

    def step(x, y):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    step = mg.compile(step) if compile else step
    history = mg.History()
    for _ in (progress := tqdm(range(epochs), unit="epoch")):
        model.train()
        losses = []
        for x, y in batches:
            losses.append(step(x, y).item())
            schedule.step()
        model.eval()
        with mg.no_grad():
            right = sum((model(x).numpy().argmax(1) == y.numpy()).sum() for x, y in test_batches)
        history.add({"loss": float(np.mean(losses)), "test accuracy": int(right) / len(test_x)})
        progress.set_postfix(loss=f"{history['loss'][-1]:.4f}", test=f"{history['test accuracy'][-1]:.2%}")

    accuracy = history["test accuracy"][-1]
    print(f"test accuracy {accuracy:.2%} of {len(test_x)} unseen digits")
    loss = criterion(model(mg.Tensor(test_x[:16], name="images")), test_y[:16])
    graph = mg.draw(loss).save(out / "digits_cnn_graph.svg")
    history.plot(curve := out / "digits_cnn_curve.svg")
    print(f"wrote the graph of one loss to {graph} and the learning curve to {curve}")
    return {"test": accuracy, "losses": history["loss"], "graph": graph, "curve": curve}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training digits (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
