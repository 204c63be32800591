"""A network with attention translates dates in seven formats to the form 1997-03-14. Takes about ten seconds.

It shows sequence-to-sequence learning. An encoder reads "Fri, 14 Mar 97" letter by letter, in both directions. A
decoder writes "1997-03-14"; before each letter, attention tells it which letters of the input to look at. The dates are
random, and Python's own `strftime` writes them; no test date is among the training dates. It writes three pictures:
`dates_graph.svg`, the graph of one loss; `dates_curve.svg`, the learning curve; and `dates_attention.svg`, the
attention of each output letter to each input letter.
"""

# %%
import argparse
from datetime import date, timedelta
from pathlib import Path
from string import ascii_letters, digits

import numpy as np
from matplotlib.figure import Figure

import micrograd_np as mg

FORMATS = ["%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%m/%d/%y", "%a, %d %b %y", "%A, %B %d, %Y", "%d-%b-%Y"]
LETTERS = "\0 ,-./" + digits + ascii_letters  # the first one is padding
LONGEST, ANSWER = 29, 11  # "Wednesday, September 10, 1997", and "1997-09-10" after one padding letter


# %%
def numbered(texts, length):
    """The index of each letter, padded with zeros: (n, length)."""
    return np.array([[LETTERS.index(letter) for letter in text.ljust(length, "\0")] for text in texts])


# %%
def dates(count, rng):
    """Distinct dates from 1970 to 2068: texts (count, 29) and ISO dates (count, 11), as indices of letters."""
    answers = {}
    while len(answers) < count:  # %y leaves the century out; Python takes 69 to 99 for 1969 to 1999
        day = date(1970, 1, 1) + timedelta(days=int(rng.integers(36_000)))
        answers[day.strftime(FORMATS[rng.integers(len(FORMATS))])] = "\0" + day.isoformat()
    return numbered(answers, LONGEST), numbered(answers.values(), ANSWER)


# %%
class Translator(mg.nn.Module):
    """An encoder, a decoder, and attention between them."""

    def __init__(self, size=32):
        self.embedding = mg.nn.Embedding(len(LETTERS), size, padding_idx=0)
        self.encoder = mg.nn.GRU(size, size, batch_first=True, bidirectional=True)
        self.decoder = mg.nn.GRU(size, 2 * size, batch_first=True)
        self.attention = mg.nn.MultiheadAttention(2 * size, num_heads=1, batch_first=True)
        self.output = mg.nn.Linear(4 * size, len(LETTERS))

    def forward(self, text, before):
        """Logits of the next letter, given the text and the letters so far: (n, t), (n, l) -> (n, l, letters)."""
        return self.attended(text, before)[0]

    def attended(self, text, before):
        """The same logits, and the attention weights (n, l, t)."""
        read, ends = self.encoder(self.embedding(text))
        start = mg.concatenate([*ends], axis=-1)[None]  # the last states of both directions
        written, _ = self.decoder(self.embedding(before), start)
        seen, weights = self.attention(written, read, read, key_padding_mask=text == 0)
        return self.output(mg.concatenate([written, seen], axis=-1)), weights


# %%
@mg.no_grad()
def translated(model, text):
    """The predicted dates (n, 11) of texts (n, 29), one letter at a time, each given the letters so far."""
    answers = np.zeros((len(text), ANSWER), np.int64)
    for i in range(1, ANSWER):
        answers[:, i] = model(text, answers[:, :i]).numpy()[:, -1].argmax(axis=-1)
    return answers


# %%
def show(model, text, path):
    """Draw the attention weights of one text (1, 29): a row for each letter of the answer."""
    answer = translated(model, text)
    weights = model.attended(text, answer[:, :-1])[1].detach().numpy()[0]
    read, written = ([LETTERS[i] for i in row if i] for row in (text[0], answer[0]))
    axes = (figure := Figure(figsize=(7, 4), layout="constrained")).subplots()
    axes.imshow(weights[:, : len(read)], cmap="Blues", vmin=0)
    axes.set(xlabel="read", xticks=range(len(read)), xticklabels=read)
    axes.set(ylabel="written", yticks=range(len(written)), yticklabels=written)
    figure.savefig(path)
    return path


# %%
def main(epochs=3, seed=0, out=".", compile=True, count=6000):
    """Train on `count` dates, print the share of 500 other dates without a mistake, and write the pictures."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    mg.random.manual_seed(seed)
    texts, answers = dates(count + 500, np.random.default_rng(seed))  # all distinct
    samples = mg.data.TensorDataset(texts, answers[:, :-1], answers[:, 1:])
    learn = mg.data.DataLoader(mg.data.Subset(samples, range(count)), 50, shuffle=True)
    test = mg.data.DataLoader(mg.data.Subset(samples, range(count, count + 500)), 50)
    model = Translator().float()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
    schedule = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = lambda logits, answer: mg.functional.cross_entropy(logits.reshape(-1, len(LETTERS)), answer.reshape(-1))
    history = mg.fit(
        model, criterion, optimizer, learn, epochs=epochs,
        validation=test, scheduler=schedule, clip=1.0, compile=compile,
    )  # fmt: skip

    test_x, test_y = texts[count:], answers[count:]
    right = float(((written := translated(model, test_x)) == test_y).all(axis=1).mean())
    print(f"{right:.1%} of 500 unseen dates are translated without a mistake")
    for text, answer in zip(test_x[:4], written, strict=False):
        print(" -> ".join("".join(LETTERS[i] for i in row if i) for row in (text, answer)))
    shown = show(model, test_x[:1], out / "dates_attention.svg")
    graph = mg.draw(criterion(model(test_x[:2], test_y[:2, :-1]), test_y[:2, 1:])).save(out / "dates_graph.svg")
    history.plot(curve := out / "dates_curve.svg")
    print(f"wrote the graph of one loss to {graph}, the learning curve to {curve} and the attention to {shown}")
    return {"right": right, "losses": history["loss"], "graph": graph, "curve": curve, "shown": shown}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=3, help="passes over the dates (3)")
    parser.add_argument("--seed", type=int, default=0, help="of the dates, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
