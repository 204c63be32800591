"""Draws the pictures of gallery.md: graphs, networks, and the architectures that everybody draws."""

from math import inf
from pathlib import Path
from unittest.mock import patch

import numpy as np

import micrograd_np as mg
from micrograd_np import data, nn, optim
from micrograd_np.training import Record, fit

HERE = Path(__file__).parent


class Reader(nn.Module):
    """Many to one: a review, word by word, to good or bad."""

    def __init__(self):
        self.embed = nn.Embedding(1000, 16)
        self.memory = nn.LSTM(16, 32)
        self.head = nn.Linear(32, 1)

    def forward(self, words):
        """The chance that the review is good."""
        _, (last, _) = self.memory(self.embed(words))
        return mg.sigmoid(self.head(last[-1]))


class Translator(nn.Module):
    """Many to many: a sentence to a sentence."""

    def __init__(self):
        self.source = nn.Embedding(1000, 16)
        self.target = nn.Embedding(1000, 16)
        self.reader = nn.GRU(16, 32)
        self.writer = nn.GRU(16, 32)
        self.words = nn.Linear(32, 1000)

    def forward(self, source, target):
        """Scores for every word that may come next."""
        _, thought = self.reader(self.source(source))
        written, _ = self.writer(self.target(target), thought)
        return self.words(written)


def worked():
    """The textbook's network of two inputs, three hidden units and one output."""
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Sigmoid(), nn.Linear(3, 1, bias=False))
    net[0].weight.data[...] = [[0.8, 0.2], [0.4, 0.9], [0.3, 0.5]]
    net[2].weight.data[...] = [[0.3, 0.5, 0.9]]
    return net


def session():
    """The graph of the README's first lines, after a backward pass."""
    x, y = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x"), mg.Tensor([0.0, 1.0], name="y")
    w, b = mg.Tensor([0.5, -0.25], requires_grad=True, name="w"), mg.Tensor(0.5, requires_grad=True, name="b")
    for _ in range(2):
        loss = ((x @ w + b).sigmoid() - y).square().mean()
        if w.grad is None:
            loss.backward()
    return loss


def trained(page):
    """A network that tells two moons apart, the moons, how training went, and its record with a page."""
    moons, others = (data.moons(200, generator=np.random.default_rng(seed)) for seed in range(2))
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    batches, validation = (data.DataLoader(data.TensorDataset(*part), 20) for part in (moons, others))
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    record = Record(net, page, moons)
    loss, settings = nn.CrossEntropyLoss(), {"validation": validation, "progress": False}
    with patch.multiple("micrograd_np.training.record", _SHARE=inf, _STOPS=inf):  # whatever the time: the same page
        history = fit(net, loss, optimizer, batches, epochs=60, record=record, **settings)
    return net, moons, history, record


def pictures(folder):
    """Each picture: its title, the line that draws it, and it; the pages go into `folder`."""
    rng = np.random.default_rng(0)
    mg.random.manual_seed(0)
    net = worked()
    yield (
        "A network with its numbers",
        "mg.draw_network(net, [[1.0, 1.0]], target=0)",
        mg.draw_network(net, [[1.0, 1.0]], target=0),
    )
    (net([[1.0, 1.0]]) ** 2).sum().backward()
    yield (
        "After backward: gradients at the weights",
        "mg.draw_network(net, [[1.0, 1.0]])",
        mg.draw_network(net, [[1.0, 1.0]]),
    )
    x = mg.Tensor([1.0, 2.0], name="x")
    w, b = mg.Tensor([0.5, -0.3], requires_grad=True, name="w"), mg.Tensor(0.2, requires_grad=True, name="b")
    z = ((x * w).sum() + b).sigmoid()
    yield "A computation", "mg.draw(z)", mg.draw(z)
    z.backward(retain_graph=True)
    yield (
        "Its gradients, and the rules that made them",
        "z.backward(retain_graph=True); mg.draw(z, backward=True)",
        mg.draw(z, backward=True),
    )
    u = mg.Tensor(0.5, requires_grad=True, name="u")
    (u * u).tanh().backward(create_graph=True)
    yield (
        "A derivative, to be derived again",
        "z = (u * u).tanh(); z.backward(create_graph=True); mg.draw(u.grad)",
        mg.draw(u.grad),
    )
    weights = mg.Tensor([[0.8, 0.4], [0.2, 0.9]], requires_grad=True, name="W")
    yield "Number by number", "mg.draw(x @ W, scalars=True)", mg.draw(x @ weights, scalars=True)
    layers = nn.Sequential(nn.Embedding(50, 16), nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32), 6))
    loss = layers.eval()(rng.integers(0, 50, (5, 2))).square().mean()
    yield "The computation of a transformer", "mg.draw(loss, depth=2)", mg.draw(loss, depth=2)
    one = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    yield "One to one", "mg.draw_network(net)", mg.draw_network(one)
    labels = nn.Sequential(nn.Flatten(), nn.Linear(400, 64), nn.ReLU(), nn.Linear(64, 10), nn.Sigmoid())
    image = rng.random((1, 1, 20, 20))
    yield "One to many: an image to many labels", "mg.draw_network(net, image)", mg.draw_network(labels, image)
    words = rng.integers(0, 1000, (7, 1))
    few = words[:4]
    yield "Many to one: a review to a verdict", "mg.draw_network(net, words)", mg.draw_network(Reader(), words)
    yield (
        "Step by step: the same review",
        "mg.draw_network(net, words, unroll=True)",
        mg.draw_network(Reader(), few, unroll=True),
    )
    yield (
        "Many to many: a sentence to a sentence",
        "mg.draw_network(net, (words, written))",
        mg.draw_network(Translator(), (words, words)),
    )
    yield (
        "Word by word: the same translation",
        "mg.draw_network(net, (words, written), unroll=True)",
        mg.draw_network(Translator(), (few, few[:3]), unroll=True),
    )
    cnn = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(144, 10),
    )  # fmt: skip
    yield "Convolutions", "mg.draw_network(net, image)", mg.draw_network(cnn, image)
    net, moons, history, record = trained(folder / "replay.html")
    yield "What a network predicts over the plane", "mg.draw_boundary(net, (x, y))", mg.draw_boundary(net, moons)
    yield "How training went", "history.plot()", history.plot()
    yield "Layer by layer: how they learned", "fit(…, record=record); record.plot()", record.plot()
    mg.draw_steps(session()).save(folder / "steps.html")


def main(folder=HERE):
    """Write every picture, and the page that shows them."""
    (folder / "pictures").mkdir(exist_ok=True)
    about = "Each picture takes one line, and opens at full size. `docs/generate_gallery.py` writes this page."
    lines = ["# Gallery", "", about, ""]
    for title, line, picture in pictures(folder / "pictures"):
        name = title.split(":")[0].split(",")[0].lower().replace(" ", "-")
        path = picture.save(folder / "pictures" / f"{name}.svg")
        lines += [f"## {title}", "", f"`{line}`", "", f"[![{title}](pictures/{path.name})](pictures/{path.name})", ""]
    lines += ["## Step by step, forward and backward", "", '`mg.draw_steps(loss).save("steps.html")`', ""]
    lines += ["[A page](pictures/steps.html) to step through: open it in a browser.", ""]
    lines += ["## The training, to be replayed", "", '`fit(…, record="replay.html")`', ""]
    lines += ["[A page](pictures/replay.html) with a slider over the epochs: open it in a browser.", ""]
    mg.draw(session()).save(folder / "pictures" / "session.svg")
    (folder / "gallery.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
