"""Ordinary PyTorch scripts run here as they are, but for the lines that a message of ours names.

A line that ends in ``#- message`` is PyTorch's; the line ``#+`` below it is what it becomes here. Each script runs in
PyTorch without the second kind and here without the first; and here, each line of the first kind raises or warns what
it says.
"""

import re
import warnings

import pytest

MLP = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset  #- Write mg.data for utils.data
from micrograd_np.data import DataLoader, TensorDataset  #+

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  #- there is one device; leave it out
device = "cpu"  #+

X = torch.randn(120, 4)  #- Write mg.random.randn
X = torch.random.randn(120, 4)  #+
y = (X[:, 0] > X[:, 1]).long()  #- Write t.astype('int64')
y = (X[:, 0] > X[:, 1]).astype("int64")  #+
X = (X - X.mean(dim=0)) / X.std(dim=0)  #- PyTorch's dim is axis here
X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)  #+
loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True, num_workers=0, pin_memory=False)


class MLP(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.fc1 = nn.Linear(4, hidden, device=device)
        self.norm = nn.BatchNorm1d(hidden)
        self.drop = nn.Dropout(0.1, inplace=False)
        self.fc2 = nn.Linear(hidden, 2)

    def forward(self, x):
        x = F.relu(self.norm(self.fc1(x)), inplace=False)
        return self.fc2(self.drop(x))


model = MLP().to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4, foreach=False)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
losses = []
path = "checkpoint.pt"  #- the name must end in .npz or .safetensors
path = "checkpoint.npz"  #+
for epoch in range(8):
    model.train()
    total = 0.0
    for xb, yb in loader:
        xb, yb = xb.to(device), yb.to(device)  #- there is one device; leave it out
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        total += loss.item() * xb.size(0)  #- t.shape[0] for t.size(0)
        total += loss.item() * xb.shape[0]  #+
    scheduler.step()
    losses.append(total / len(X))
    state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, path)

checkpoint = torch.load(path)
restored = MLP()
restored.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
restored.eval()
with torch.no_grad():
    predicted = restored(X).argmax(dim=1)  #- PyTorch's dim is axis here
    predicted = restored(X).argmax(axis=1)  #+
    _, same = restored(X).max(1)  #- The positions are t.argmax(axis)
    same = restored(X).argmax(1)  #+
    correct = (predicted == y).float().mean()  #- Write t.astype('float32')
    correct = (predicted == y).astype("float32").mean()  #+
assert checkpoint["epoch"] == 7 and scheduler.get_last_lr()[0] == 0.0025
assert torch.equal(predicted, same)  #- is ambiguous; use .any() or .all()
assert (predicted == same).all()  #+
assert losses[-1] < losses[0] and correct.item() > 0.8
"""

CNN = """
import torch
from torch import nn, optim
import torch.nn.functional as F

torch.manual_seed(1)
images = torch.zeros(64, 1, 8, 8)
labels = torch.arange(64) % 2
for i in range(64):
    images[i, 0, :, 3] = labels[i]
    images[i, 0, 3, :] += 1 - labels[i]
images += 0.1 * torch.randn(images.shape)  #- Write mg.random.randn
images += 0.1 * torch.random.randn(images.shape)  #+


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, padding=1),
            nn.ReLU(True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Linear(8, 2)
        nn.init.kaiming_normal_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x):
        x = self.features(x)
        x = x.view(x.size(0), -1)  #- Tensor has no 'view'. Write t.reshape
        x = x.reshape(x.shape[0], -1)  #+
        return F.log_softmax(self.classifier(x), dim=1)


net = Net()
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
for step in range(25):
    order = torch.randperm(64)[:32]  #- Write mg.random.permutation(n)
    order = torch.random.permutation(64)[:32]  #+
    optimizer.zero_grad()
    output = net(images[order])
    loss = F.nll_loss(output, labels[order], reduction="mean")
    loss.backward()
    optimizer.step()

net.eval()
with torch.no_grad():
    output = net(images)
    predicted = output.max(1, keepdim=True)[1]  #- PyTorch's keepdim is keepdims here
    predicted = output.argmax(1, keepdims=True)  #+
    hits = predicted.eq(labels.view_as(predicted)).sum().item()  #- Tensor has no 'eq'. Write t == other
    hits = (predicted == labels.reshape(predicted.shape)).sum().item()  #+
    flipped = output.transpose(0, 1)  #- To exchange its axes, write t.T
    flipped = output.T  #+
assert hits > 56
assert flipped.shape == (2, 64)
"""

GRU = """
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
text = "the quick brown fox jumps over the lazy dog. " * 4
chars = sorted(set(text))
encode = {c: i for i, c in enumerate(chars)}
data = torch.tensor([encode[c] for c in text], dtype=torch.long)  #- Write mg.int64
data = torch.tensor([encode[c] for c in text], dtype=torch.int64)  #+


class CharGRU(nn.Module):
    def __init__(self, vocabulary, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 8)
        self.gru = nn.GRU(8, hidden, num_layers=1, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, x, h=None):
        out, h = self.gru(self.embedding(x), h)
        return self.head(out), h


model = CharGRU(len(chars), 24)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
length = 20
first = None
for step in range(30):
    starts = torch.randint(0, len(data) - length - 1, (8,))  #- Write mg.random.randint
    starts = torch.random.randint(0, len(data) - length - 1, (8,))  #+
    x = torch.stack([data[i : i + length] for i in starts.tolist()])
    y = torch.stack([data[i + 1 : i + length + 1] for i in starts.tolist()])
    h = torch.zeros(1, x.shape[0], 24)
    logits, h = model(x, h)
    loss = F.cross_entropy(logits.reshape(-1, len(chars)), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    first = first or loss.item()
assert loss.item() < 0.7 * first

model.eval()
with torch.no_grad():
    token, h, written = torch.tensor([[encode["t"]]]), None, "t"
    for _ in range(10):
        logits, h = model(token, h)
        last = logits[:, -1] / 0.5
        best = torch.topk(last, 3, dim=-1)  #- PyTorch's dim is axis here
        best = torch.topk(last, 3, axis=-1)  #+
        last = last.masked_fill(last < best[0][:, -1:], -float("inf"))
        token = F.softmax(last, dim=-1).argmax(-1).unsqueeze(0)
        written += chars[token.item()]
    batch = torch.cat([data[:5].unsqueeze(0), data[5:10].unsqueeze(0)], dim=0)  #- PyTorch's dim is axis here
    batch = torch.cat([data[:5].unsqueeze(0), data[5:10].unsqueeze(0)], axis=0)  #+
    left, right = batch.expand(2, 5).permute(1, 0).clamp(0, 3).chunk(2, 1)
assert len(written) == 11 and left.shape == (5, 1) and batch.numel() == 10
"""

SCRIPTS = {"mlp": MLP, "cnn": CNN, "gru": GRU}
CHANGES = [(name, i) for name, text in SCRIPTS.items() for i, line in enumerate(text.splitlines()) if "#-" in line]


def imports_ours(line):
    """An import line with our package under PyTorch's name."""
    line = re.sub(r"^import torch$", "import micrograd_np as torch", line)
    return re.sub(r"^(import|from) torch\b", r"\1 micrograd_np", line)


def ported(text, *, without=None):
    """The script for us; or with PyTorch's line number `without`, not changed."""
    lines = text.splitlines()
    kept = []
    for i, line in enumerate(lines):
        theirs, ours = "#-" in line, "#+" in line
        if (i == without) if theirs else not (ours and without == i - 1):
            kept.append(imports_ours(line))
    return "\n".join(kept)


def run(text):
    exec(compile(text, "script", "exec"), {"__name__": "script"})


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_ported_script_runs_and_learns(name):
    run(ported(SCRIPTS[name]))


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_pytorchs(name):
    pytest.importorskip("torch", reason="PyTorch judges here: pip install 'micrograd_np[bench]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's advice
        run("\n".join(line for line in SCRIPTS[name].splitlines() if "#+" not in line))


@pytest.mark.parametrize(("name", "number"), CHANGES)
def test_a_line_that_changes_is_named_by_a_message(name, number):
    says = SCRIPTS[name].splitlines()[number].partition("#- ")[2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Exception, match=re.escape(says)) as caught:
            run(ported(SCRIPTS[name], without=number))
    assert any("script" in str(entry.path) for entry in caught.traceback)
