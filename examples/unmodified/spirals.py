"""A script for PyTorch, as it is: python -m micrograd_np.torch examples/unmodified/spirals.py. Takes a second.

Nothing in it knows of micrograd_np: a data set, a module, a schedule, a loop, as PyTorch's tutorials write them. With
PyTorch installed, `python examples/unmodified/spirals.py` runs it there; the command above runs it on NumPy alone. The
task: two spirals wind around each other, and a small network says to which of them a point belongs.
"""

# %%
import argparse
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


# %%
def spirals(count, noise=0.05):
    """Points on two spirals, (2 · count, 2), and which spiral each is on, (2 · count,)."""
    turn = torch.sqrt(torch.rand(count, 1)) * 3 * math.pi
    arm = torch.cat([turn * torch.cos(turn), turn * torch.sin(turn)], dim=1) / 10
    points = torch.cat([arm, -arm]) + noise * torch.randn(2 * count, 2)
    return points, torch.arange(2).repeat_interleave(count)


# %%
class Network(nn.Module):
    """Three layers, from a point to a score for each spiral."""

    def __init__(self, hidden=32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 2)
        )

    def forward(self, x):
        """Scores (batch, 2) of points (batch, 2)."""
        return self.layers(x)


# %%
def main(epochs=80, seed=0):
    """Train, and return the accuracy on points that were held out."""
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, test = random_split(TensorDataset(*spirals(300)), [0.8, 0.2])
    loader = DataLoader(train, batch_size=32, shuffle=True)

    model = Network().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        total = 0.0
        for points, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(points.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * points.size(0)
        scheduler.step()
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1:3d}: loss {total / len(train):.4f}, lr {scheduler.get_last_lr()[0]:.4f}")

    model.eval()
    with torch.no_grad():
        right = sum((model(x.unsqueeze(0)).argmax(dim=1) == label).item() for x, label in test)
    print(f"{right} of {len(test)} points right, {sum(p.numel() for p in model.parameters())} parameters")
    return right / len(test)


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
