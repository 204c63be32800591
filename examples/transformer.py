"""A transformer learns to write like the documentation of Python, letter by letter. Takes about a minute.

It shows self-attention: in each of two layers, every letter attends to all letters before it, where the LSTM of
language_model.py carries a state from letter to letter. The text is the same, that of `help()` (`pydoc_data.topics`),
and its last tenth is the test set. It writes two pictures: `transformer_graph.svg`, the graph of one loss over four
letters, and `transformer_curve.svg`, the learning curve.
"""

# %%
import argparse
from math import log
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import micrograd_np as mg

CONTEXT = 64  # letters that the network sees at once


# %%
def load_text(most):
    """The letters that occur, and the text as their indices; a paragraph in several topics counts once."""
    text = "\n\n".join(dict.fromkeys("\n\n".join(topics.values()).split("\n\n")))[:most]
    letters = sorted(set(text))
    return letters, np.searchsorted(letters, list(text))


# %%
def windows(numbers, *, shuffle):
    """Batches of pieces of the text (32, t), and the same pieces shifted by one letter as targets."""
    pieces = sliding_window_view(numbers, CONTEXT + 1)[::CONTEXT]
    dataset = mg.data.TensorDataset(pieces[:, :-1], pieces[:, 1:])
    return mg.data.DataLoader(dataset, batch_size=32, shuffle=shuffle, drop_last=True)


# %%
class Transformer(mg.nn.Module):
    """Embeddings of letters and positions, two layers of self-attention, and the logits of the next letter."""

    def __init__(self, letters, size=96, heads=4, layers=2):
        self.letter = mg.nn.Embedding(letters, size)
        self.positions = mg.nn.Parameter(mg.random.normal(size=(CONTEXT, size)) * 0.1)
        layer = mg.nn.TransformerEncoderLayer(size, heads, 4 * size, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = mg.nn.TransformerEncoder(layer, layers, norm=mg.nn.LayerNorm(size))
        self.output = mg.nn.Linear(size, letters)

    def forward(self, numbers):
        """Logits of the letter after each letter: (n, t) -> (n, t, letters), for t up to CONTEXT."""
        x = self.letter(numbers) + self.positions[: numbers.shape[1]]
        return self.output(self.layers(x, is_causal=True))


# %%
def continued(model, letters, start, count, rng, temperature=0.7):
    """`start` and `count` sampled letters; a lower temperature favours likely letters."""
    numbers = list(np.searchsorted(letters, list(start)))
    with mg.no_grad():
        for _ in range(count):
            logits = model(np.array([numbers[-CONTEXT:]]))[0, -1]
            chances = mg.softmax(logits / temperature, axis=-1).numpy().astype(float)
            numbers.append(rng.choice(len(letters), p=chances / chances.sum()))
    return "".join(letters[i] for i in numbers)


# %%
def main(epochs=4, seed=0, out=".", compile=True, characters=None):
    """Train on nine tenths of the text, print the bits per letter on the rest and a sample; return losses and paths."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    letters, numbers = load_text(characters)
    end = len(numbers) * 9 // 10
    mg.random.manual_seed(seed)
    learn, test = windows(numbers[:end], shuffle=True), windows(numbers[end:], shuffle=False)
    model = Transformer(len(letters)).float()
    optimizer = mg.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)

    def criterion(logits, following):
        return mg.functional.cross_entropy(logits.reshape(-1, len(letters)), following.reshape(-1))

    history = mg.fit(
        model, criterion, optimizer, learn, epochs=epochs,
        validation=test, scheduler=schedule, clip=1.0, compile=compile,
    )  # fmt: skip

    counts = np.bincount(numbers[:end], minlength=len(letters)) + 1
    single = float(-np.log2(counts / counts.sum())[numbers[end:]].mean())
    bits = history["validation loss"][-1] / log(2)
    print(f"{bits:.2f} bits per letter of unseen text; {single:.2f} by the frequency of letters alone")
    print("a sample:")
    print(continued(model, letters, "The ", 300, np.random.default_rng(seed)))

    loss = criterion(model(numbers[None, :4]), mg.Tensor(numbers[None, 1:5]))
    graph = mg.draw(loss).save(out / "transformer_graph.svg")
    history.plot(curve := out / "transformer_curve.svg")
    print(f"wrote the graph of one loss to {graph} and the learning curve to {curve}")
    return {"bits": bits, "single": single, "losses": history["loss"], "graph": graph, "curve": curve, "model": model}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=4, help="passes over the text (4)")
    parser.add_argument("--characters", type=int, help="how much of the text to take (all, about 400,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, the batches and the sample (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
