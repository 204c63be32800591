"""An LSTM learns to write like the documentation of Python, letter by letter. Takes about a minute.

It shows a language model, which predicts the distribution of the next letter from the letters so far. The text is that
of `help()`, which ships with every Python (`pydoc_data.topics`); its last tenth is the test set. The training step is
compiled, gradients are clipped, and the learning rate follows a schedule. At the end the weights are saved, and a new
network that loads them continues a sentence. It writes `language_model.npz`, the weights, `language_model_graph.svg`,
the graph of one loss over four letters, and `language_model_curve.svg`, the learning curve.
"""

# %%
import argparse
from math import log
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from tqdm import tqdm

import micrograd_np as mg


# %%
def load_text(most):
    """The letters that occur, and the text as their indices; a paragraph in several topics counts once."""
    text = "\n\n".join(dict.fromkeys("\n\n".join(topics.values()).split("\n\n")))[:most]
    letters = sorted(set(text))
    return letters, np.searchsorted(letters, list(text))


# %%
def windows(numbers, length, batch_size, *, shuffle):
    """Batches of pieces of the text (n, length), and the same pieces shifted by one letter as targets."""
    pieces = sliding_window_view(numbers, length + 1)[::length]
    dataset = mg.data.TensorDataset(pieces[:, :-1], pieces[:, 1:])
    return mg.data.DataLoader(dataset, batch_size, shuffle=shuffle, drop_last=True)


# %%
class LanguageModel(mg.nn.Module):
    """An embedding of letters, an LSTM that reads them, and the logits of the next letter."""

    def __init__(self, letters, size=160):
        self.embedding = mg.nn.Embedding(letters, size // 2)
        self.lstm = mg.nn.LSTM(size // 2, size, batch_first=True)
        self.output = mg.nn.Linear(size, letters)

    def forward(self, numbers, state=None):
        """Logits of the letter after each letter, and the state to continue from: (n, t) -> (n, t, letters)."""
        outputs, state = self.lstm(self.embedding(numbers), state)
        return self.output(outputs), state


# %%
def continued(model, letters, start, count, rng, temperature=0.7):
    """`start` and `count` sampled letters; a lower temperature favours likely letters."""
    written, numbers, state = start, np.searchsorted(letters, list(start)), None
    with mg.no_grad():
        for _ in range(count):  # after the first step, the state and one letter suffice
            logits, state = model(numbers[None], state)
            chances = mg.softmax(logits[0, -1] / temperature, axis=-1).numpy().astype(float)
            numbers = rng.choice(len(letters), size=1, p=chances / chances.sum())
            written += letters[numbers[0]]
    return written


# %%
def main(epochs=6, seed=0, out=".", compile=True, characters=None):
    """Train on nine tenths of the text, print the bits per letter on the rest and a sample; return losses and paths."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    letters, numbers = load_text(characters)
    end = len(numbers) * 9 // 10
    mg.random.manual_seed(seed)
    learn, test = windows(numbers[:end], 64, 32, shuffle=True), windows(numbers[end:], 64, 32, shuffle=False)
    model = LanguageModel(len(letters)).float()
    optimizer = mg.optim.Adam(model.parameters())
    schedule = mg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, epochs=epochs, steps_per_epoch=len(learn))

    def loss_of(x, y):
        return mg.functional.cross_entropy(model(x)[0].reshape(-1, len(letters)), y.reshape(-1))

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        mg.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    step = mg.compile(step) if compile else step
    history = mg.History()
    with tqdm(total=epochs * len(learn), unit="batch") as progress:
        for _ in range(epochs):
            losses = []
            for x, y in learn:
                losses.append(step(x, y).item())
                schedule.step()
                progress.update()
                progress.set_postfix(bits=f"{np.mean(losses[-50:]) / log(2):.2f}")
            with mg.no_grad():
                test_loss = float(np.mean([loss_of(x, y).item() for x, y in test]))
            history.add({"loss": float(np.mean(losses)), "test loss": test_loss})

    counts = np.bincount(numbers[:end], minlength=len(letters)) + 1
    single = float(-np.log2(counts / counts.sum())[numbers[end:]].mean())
    bits = history["test loss"][-1] / log(2)
    print(f"{bits:.2f} bits per letter of unseen text; {single:.2f} by the frequency of letters alone")
    weights, fresh = mg.save(model, out / "language_model.npz"), LanguageModel(len(letters)).float()
    mg.load(weights, into=fresh)
    print(f"a sample, from the weights in {weights}:")
    print(continued(fresh, letters, "The ", 300, np.random.default_rng(seed)))
    graph = mg.draw(loss_of(numbers[None, :4], numbers[None, 1:5])).save(out / "language_model_graph.svg")
    history.plot(curve := out / "language_model_curve.svg")
    print(f"wrote the graph of one loss to {graph} and the learning curve to {curve}")
    return {"bits": bits, "single": single, "losses": history["loss"], "graph": graph, "curve": curve, "model": fresh}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=6, help="passes over the text (6)")
    parser.add_argument("--characters", type=int, help="how much of the text to take (all, about 400,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, the batches and the sample (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where weights and pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
