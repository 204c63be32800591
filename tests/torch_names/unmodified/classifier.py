"""A classifier of digits-like pictures: Dataset, DataLoader, a convolutional network, a scheduler, and a checkpoint."""

import argparse
import os
import tempfile

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, random_split


class Stripes(Dataset):
    """Noisy pictures with a horizontal, vertical or diagonal stripe."""

    def __init__(self, count, transform=None):
        g = torch.Generator().manual_seed(0)
        self.labels = torch.randint(0, 3, (count,), generator=g)
        self.images = 0.3 * torch.randn(count, 1, 8, 8, generator=g)
        place = torch.randint(0, 8, (count,), generator=g)
        for i in range(count):
            if self.labels[i] == 0:
                self.images[i, 0, place[i], :] += 1
            elif self.labels[i] == 1:
                self.images[i, 0, :, place[i]] += 1
            else:
                self.images[i, 0] += torch.eye(8)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        image, label = self.images[idx], self.labels[idx].item()
        if self.transform:
            image = self.transform(image)
        return image, label


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Sequential(nn.Linear(8 * 4 * 4, 32), nn.ReLU(inplace=True), nn.Linear(32, 3))
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x):
        x = self.pool(F.relu(self.bn(self.conv1(x - self.mean))))
        x = torch.flatten(x, 1)
        return self.head(self.dropout(x))


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight)
        m.bias.data.fill_(0.01)


def train(model, device, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
        optimizer.step()
        if batch_idx % 5 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}")


def test(model, device, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.cross_entropy(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(loader.dataset)
    print(f"Test set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(loader.dataset)}")
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=0.01)
    args = parser.parse_args()
    torch.manual_seed(1)
    use_cuda = torch.cuda.is_available()
    device = torch.device("cuda" if use_cuda else "cpu")
    train_set, test_set = random_split(Stripes(400), [300, 100], generator=torch.Generator().manual_seed(42))
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True, num_workers=0, pin_memory=use_cuda)
    test_loader = DataLoader(test_set, batch_size=100)
    images, labels = next(iter(train_loader))
    assert images.shape == (32, 1, 8, 8) and labels.dtype == torch.int64
    model = Net().to(device)
    model.apply(init_weights)
    print(model)
    print(sum(p.numel() for p in model.parameters() if p.requires_grad), "parameters")
    optimizer = optim.Adam(model.parameters(), lr=args.lr, weight_decay=1e-4)
    scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    accuracy = 0
    for epoch in range(1, args.epochs + 1):
        train(model, device, train_loader, optimizer, epoch)
        accuracy = test(model, device, test_loader)
        scheduler.step()
    assert scheduler.get_last_lr()[0] < args.lr
    assert accuracy > 0.8
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stripes.pt")
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)
        checkpoint = torch.load(path, map_location=device)
        restored = Net()
        restored.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        restored.eval()
        assert torch.allclose(restored(images), model(images))
    print("classifier:", accuracy > 0.8)


if __name__ == "__main__":
    main()
