"""Gradient descent without calculus, then with it: a straight line fitted both ways. Takes a second.

How does the error change with a weight? Perturb the weight a little, and compute the error again. The article that this
project started from trains in this way: it raises each weight in turn by 0.0001, and the difference of the errors gives
the direction of descent. That costs one more forward pass for every weight, and the derivative is off by about half a
step. Then the same fit with `backward()`, which computes every derivative exactly, in one walk.
"""

# %%
import argparse

import numpy as np

import micrograd_np as mg

X = np.array([1.0, 3.0, 4.0, 8.0, 10.0])
Y = np.array([3.0, 9.0, 12.0, 24.0, 30.0])  # y = 3 x
START = (2.269, 1.01)
LEARNING_RATE = 0.01
PERTURBATION = 0.0001
PRINTED = (2.99929065, 0.00478785)  # the article's result after 1000 epochs


# %%
def squared_errors(a, b):
    """The squared error of each sample, for the line a x + b."""
    return (a * X + b - Y) ** 2


# %%
def perturb(weights):
    """The direction of descent, as the article computes it: one weight at a time, one forward pass for each."""
    before = squared_errors(*weights)
    directions = []
    for i in range(len(weights)):
        perturbed = [weight + PERTURBATION * (i == j) for j, weight in enumerate(weights)]
        after = squared_errors(*perturbed)
        directions.append((before - after).sum().item() / (PERTURBATION * len(X)))
    return directions


# %%
def pull(weights):
    """The exact direction of descent: minus the gradient of the mean squared error, from one backward pass."""
    a, b = (mg.Tensor(weight.data, requires_grad=True) for weight in weights)
    squared_errors(a, b).mean().backward()
    return [-a.grad.item(), -b.grad.item()]


# %%
def descend(direction, epochs):
    """Follow `direction` from START, changing all weights together; return the weights after every epoch."""
    weights = [mg.Tensor(start) for start in START]
    path = []
    for _ in range(epochs):
        steps = direction(weights)
        weights = [weight + LEARNING_RATE * step for weight, step in zip(weights, steps, strict=True)]
        path.append([weight.item() for weight in weights])
    return np.array(path)


# %%
def main(epochs=1000):
    """Print both fits; return the final (a, b) by perturbation and by `backward`, and the first gradient both ways."""
    start = [mg.Tensor(weight) for weight in START]
    exact = [-step for step in pull(start)]
    estimate = [-step for step in perturb(start)]
    print("first gradient      d/da           d/db")
    print(f"backward()     {exact[0]:13.8f}  {exact[1]:13.8f}")
    print(f"perturbation   {estimate[0]:13.8f}  {estimate[1]:13.8f}")

    perturbed, pulled = descend(perturb, epochs), descend(pull, epochs)
    nearest = int(np.abs(perturbed - PRINTED).max(axis=1).argmin())
    print(f"\nafter {epochs} epochs        a           b")
    print(f"perturbation    {perturbed[-1][0]:.8f}  {perturbed[-1][1]:.8f}")
    print(f"backward()      {pulled[-1][0]:.8f}  {pulled[-1][1]:.8f}")
    print(f"article         {PRINTED[0]:.8f}  {PRINTED[1]:.8f}   (as printed there)")
    a, b = perturbed[nearest]
    print("\nThe article's numbers do not quite follow from its start: its own procedure comes nearest to them")
    print(f"after {nearest + 1} epochs, with {a:.8f} and {b:.8f}. The two fits differ because a forward")
    print("difference is the slope half a step further on, not the slope at the point itself.")
    return {
        "perturbation": perturbed[-1],
        "backward": pulled[-1],
        "exact": np.array(exact),
        "estimate": np.array(estimate),
        "nearest epoch": nearest + 1,
    }


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=1000, help="steps of each descent (1000)")
    main(**vars(parser.parse_args(None if "__file__" in globals() else [])))
