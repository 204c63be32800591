"""An LSTM reads film reviews and says whether they are good or bad. Takes about ten seconds.

It shows many inputs with one output: words go in one after another, and what the network remembers after the last one
decides. The reviews are made up by the rules below, which say what a review means: "not" and "never" turn the next
judgement round, and what follows "but" outweighs all before it. So the words alone do not tell, their order does:
beside the LSTM stands a model that only knows which words occur. No review of the test is among those to learn from.
It leaves `reviews_graph.svg`, the computation of one loss, and `reviews_curve.svg`, how the learning went.
"""

# %%
import argparse
from pathlib import Path

import numpy as np

import micrograd_np as mg

GOOD = ["good", "brilliant", "moving", "funny", "gripping", "charming", "wonderful", "clever"]
BAD = ["bad", "dull", "clumsy", "tedious", "silly", "hollow", "dreadful", "shallow"]
SUBJECTS = [f"the {noun}" for noun in ("film", "plot", "cast", "music", "ending", "camera", "dialogue", "hero")]
LINKS = ["is", "is very", "was quite", "seems", "is not", "was never", "is hardly"]
OPENINGS = ["", "", "", "at first i thought", "my friends say"]
WORDS = ["", *sorted(set(" ".join([*GOOD, *BAD, *SUBJECTS, *LINKS, *OPENINGS, "and but"]).split()))]
NUMBER = {word: i for i, word in enumerate(WORDS)}  # 0 is no word: what fills up short reviews
LENGTH = 32


# %%
def review(rng):
    """The words of a review, and whether it is good (1) or bad (0); None if neither outweighs the other."""
    words, verdicts = [rng.choice(OPENINGS)], []
    for clause in range(rng.integers(1, 5)):
        subject, link, good = rng.choice(SUBJECTS), rng.choice(LINKS), bool(rng.integers(2))
        if clause and rng.random() < 0.35:
            words.append("but")
            verdicts = []  # what was said before no longer counts
        elif clause:
            words.append("and")
        words += [subject, link, rng.choice(GOOD if good else BAD)]
        verdicts.append(good != link.endswith(("not", "never", "hardly")))
    return (" ".join(words).split(), float(np.mean(verdicts) > 0.5)) if np.mean(verdicts) != 0.5 else None


# %%
def reviews(count, rng):
    """Different reviews as numbers of words (count, 32), filled up in front, and their verdicts (count,)."""
    found = {}
    while len(found) < count:
        made = review(rng)
        if made is not None:
            found[tuple(made[0])] = made[1]
    numbers = np.zeros((count, LENGTH), np.int64)
    for row, words in zip(numbers, found, strict=True):
        row[LENGTH - len(words) :] = [NUMBER[word] for word in words]
    return numbers, np.array(list(found.values()), np.float32)


# %%
class Reader(mg.nn.Module):
    """What an LSTM remembers after the last word decides."""

    def __init__(self, size=48):
        self.embedding = mg.nn.Embedding(len(WORDS), size, padding_idx=0)
        self.lstm = mg.nn.LSTM(size, size, batch_first=True)
        self.verdict = mg.nn.Linear(size, 1)

    def forward(self, words):
        """The logit of "good": (n, t) -> (n,)."""
        _, (h, _) = self.lstm(self.embedding(words))
        return self.verdict(h[-1])[:, 0]


# %%
class Counter(mg.nn.Module):
    """Every word has a weight, in whatever order they stand: what words alone can tell."""

    def __init__(self):
        self.weight = mg.nn.Embedding(len(WORDS), 1, padding_idx=0)
        self.bias = mg.nn.Parameter(np.zeros(1))

    def forward(self, words):
        """The logit of "good": (n, t) -> (n,)."""
        return self.weight(words).sum(axis=(1, 2)) + self.bias


# %%
def main(epochs=6, seed=0, out=".", compile=True, count=5000):
    """Train both on `count` reviews, tell how many of 1,000 others each judges rightly, and leave the pictures."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    mg.random.manual_seed(seed)
    words, good = reviews(count + 1000, np.random.default_rng(seed))  # all different
    learn = mg.data.DataLoader(mg.data.TensorDataset(words[:count], good[:count]), 50, shuffle=True)
    test = mg.data.DataLoader(mg.data.TensorDataset(words[count:], good[count:]), 100)
    criterion = mg.nn.BCEWithLogitsLoss()

    def trained(model, lr):
        optimizer = mg.optim.Adam(model.parameters(), lr=lr)
        return mg.fit(
            model, criterion, optimizer, learn, epochs=epochs, validation=test, clip=1.0, compile=compile,
            metrics={"accuracy": lambda z, y: mg.training.binary_accuracy(z, y, threshold=0)},
        )  # fmt: skip

    without_order = trained(Counter().float(), lr=0.02)["validation accuracy"][-1]
    history = trained(model := Reader().float(), lr=5e-3)
    accuracy = history["validation accuracy"][-1]
    print(f"{without_order:.1%} of 1,000 reviews never seen are judged rightly by their words without order")
    print(f"{accuracy:.1%} of the same by the LSTM")
    for text in ("the film is not bad", "the cast is brilliant but the plot is hardly gripping"):
        row = np.array([[0] * (LENGTH - len(text.split())) + [NUMBER[word] for word in text.split()]])
        with mg.no_grad():
            print(f"{mg.sigmoid(model(row)).item():7.2%} good: {text}")

    graph = mg.draw(criterion(model(mg.Tensor(words[:8], name="words")), good[:8])).save(out / "reviews_graph.svg")
    history.plot(curve := out / "reviews_curve.svg")
    print(f"wrote the computation of one loss to {graph} and the learning curve to {curve}")
    return {"test": accuracy, "without order": without_order, "losses": history["loss"], "graph": graph, "curve": curve}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=6, help="passes over the reviews (6)")
    parser.add_argument("--seed", type=int, default=0, help="of the reviews, the weights and the batches (0)")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the pictures go (here)")
    parser.add_argument("--eager", dest="compile", action="store_false", help="do not compile the step")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
