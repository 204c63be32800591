"""The networks, written once over the names that PyTorch and micrograd_np share. ``lib`` is either package."""

from __future__ import annotations

from typing import Any

from .workloads import ADAM, CLASSES, HEADS, Workload


def network(lib: Any, workload: Workload) -> Any:
    """A fresh module of ``lib`` whose parameters are called as ``data.shapes`` says."""
    match workload.kind:
        case "mlp":
            pairs = zip(workload.sizes, workload.sizes[1:], strict=False)
            return lib.nn.Sequential(*[layer for n, m in pairs for layer in (lib.nn.Linear(n, m), lib.nn.Sigmoid())])
        case "lenet":
            return _lenet(lib)
        case "lstm":
            return _reader(lib, *workload.sizes)
        case "transformer":
            width, wide = workload.sizes
            return lib.nn.TransformerEncoderLayer(width, HEADS, dim_feedforward=wide, dropout=0.0, batch_first=True)
        case "elementwise":
            raise ValueError("network: an elementwise loss has no network; see elementwise_loss")
    raise ValueError(f"network: the kind {workload.kind!r} is unknown")


def criterion(lib: Any, workload: Workload) -> Any:
    """The loss that goes with the network."""
    return lib.nn.CrossEntropyLoss() if workload.kind in ("lenet", "lstm") else lib.nn.MSELoss()


def optimizer(lib: Any, workload: Workload, parameters: Any) -> Any:
    """SGD or Adam, as the workload says."""
    return (
        lib.optim.Adam(parameters, **ADAM)
        if workload.optimizer == "adam"
        else lib.optim.SGD(parameters, lr=workload.lr)
    )


def elementwise_loss(lib: Any, x: Any, y: Any) -> Any:
    """Twelve elementwise lines and a mean: ``(n,), (n,) -> ()``. `lib` may be any package with NumPy's names."""
    d = x - y
    s = d * d
    t = s + 1
    h = lib.sqrt(t)
    e = lib.exp(-s)
    k = e * h
    m = h - k
    u = x * y
    v = u / t
    w = m + v
    return lib.mean(w * w)


def _lenet(lib: Any) -> Any:
    nn = lib.nn

    class LeNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, CLASSES)
            self.pool, self.relu = nn.MaxPool2d(2), nn.ReLU()

        def forward(self, x: Any) -> Any:
            x = self.pool(self.relu(self.conv1(x)))  # (n, 6, 12, 12)
            x = self.pool(self.relu(self.conv2(x)))  # (n, 16, 4, 4)
            x = x.reshape(len(x), -1)
            return self.fc3(self.relu(self.fc2(self.relu(self.fc1(x)))))

    return LeNet()


def _reader(lib: Any, features: int, hidden: int) -> Any:
    nn = lib.nn

    class Reader(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(features, hidden), nn.Linear(hidden, CLASSES)

        def forward(self, x: Any) -> Any:
            outputs, _ = self.lstm(x)  # (steps, n, hidden)
            return self.head(outputs[-1])

    return Reader()
