"""What somebody who has only installed the package can do with it; run by `.ci/run` away from the repository."""

import importlib.metadata
import sys
from pathlib import Path

import numpy as np

import micrograd_np as mg
from micrograd_np.compiler.c.source import prelude

assert Path(mg.__file__).is_relative_to(sys.prefix), f"imported from {mg.__file__}, not from the installed wheel"
assert (Path(mg.__file__).parent / "py.typed").exists()
assert importlib.metadata.version("micrograd_np") == mg.__version__

mg.random.manual_seed(0)
x = mg.Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = mg.Tensor([[0.0], [1.0], [1.0], [0.0]])  # exclusive or
model = mg.nn.Sequential(mg.nn.Linear(2, 8), mg.nn.Tanh(), mg.nn.Linear(8, 1))
criterion = mg.nn.MSELoss()
optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for _ in range(500):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
assert loss.item() < 1e-3, loss.item()

weight = model[0].weight
loss = criterion(model(x), y)
optimizer.zero_grad()
loss.backward()
step = 1e-6
difference = np.zeros(weight.shape)
with mg.no_grad():
    for place in np.ndindex(weight.shape):
        weight.data[place] += step
        difference[place] = criterion(model(x), y).item()
        weight.data[place] -= 2 * step
        difference[place] = (difference[place] - criterion(model(x), y).item()) / (2 * step)
        weight.data[place] += step
np.testing.assert_allclose(weight.grad.numpy(), difference, atol=1e-8)

assert mg.gradcheck(lambda w: (x @ w.T).tanh().sum(), weight)


@mg.compile
def train(x, y):
    """One step of training."""
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


for _ in range(3):  # the first call traces, the others run the emitted program
    eager = criterion(model(x), y).item()
    assert train(x, y).item() == eager

assert "numpy_loop" in prelude()  # a file of the wheel, too

picture = mg.draw(criterion(model(x), y)).save("graph.svg")  # the source instead, where no Graphviz is installed
assert picture.exists()
page = mg.draw_steps(criterion(model(x), y)).save("steps.html")  # its template is a file of the wheel
assert "Content-Security-Policy" in page.read_text(encoding="utf-8")
mg.fit(model, criterion, optimizer, [(x, y)], epochs=2, record="run.html", lint=False, progress=False)
assert Path("run.html").read_text(encoding="utf-8").endswith("</html>\n")
print(f"micrograd_np {mg.__version__} learns exclusive or, and leaves {picture}")
