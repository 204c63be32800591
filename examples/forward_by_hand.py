"""One forward pass, number by number: two inputs, three hidden units, one output. Takes no time at all.

A unit is a weighted sum followed by an activation function. Here both are written out with Tensors, for the input
(1, 1) and the target 0, without biases. The weights are from a textbook, which rounds at every stage; the exact number
is printed beside each rounded one. Since the pass consists of Tensors, `backward()` computes the gradient, too: the
last lines print the derivative of the error by each weight, beside the finite difference, which you can check by hand.
"""

# %%
import argparse

import numpy as np

import micrograd_np as mg

PRINTED = {  # the textbook's number for each stage
    "pre-activations": (1.0, 1.3, 0.8),
    "hidden units": (0.73, 0.78, 0.69),
    "output": (1.235,),
    "squared error": (1.52,),
}


# %%
def forward(x, target, to_hidden, to_output):
    """Every stage of the pass, by name, as Tensors; ``(2,), (), (2, 3), (3,)``."""
    pre_activations = x @ to_hidden  # one weighted sum for each hidden unit
    hidden = pre_activations.sigmoid()  # the activation function: 1 / (1 + exp(-s))
    output = hidden @ to_output  # the output unit has no activation function
    return {
        "pre-activations": pre_activations,
        "hidden units": hidden,
        "output": output,
        "squared error": (output - target) ** 2,
    }


# %%
def main():
    """Print the pass and its gradient; return the stages by name, with both gradients, as arrays."""
    x = mg.Tensor([1.0, 1.0], name="x")
    target = mg.Tensor(0.0, name="target")
    to_hidden = mg.Tensor([[0.8, 0.4, 0.3], [0.2, 0.9, 0.5]], requires_grad=True, name="to_hidden")
    to_output = mg.Tensor([0.3, 0.5, 0.9], requires_grad=True, name="to_output")

    for tensor in (x, target, to_hidden, to_output):
        print(f"{tensor.name:<18} {tensor.tolist()}")

    stages = forward(x, target, to_hidden, to_output)
    print("\nstage              as printed             exact")
    for name, stage in stages.items():
        exact = stage.detach().numpy().reshape(-1)
        for shown, value in zip(PRINTED[name], exact, strict=True):
            print(f"{name:<18} {shown:<22} {value:.8f}")

    error = stages["squared error"]
    error.backward()

    def squared_error(hidden_weights, output_weights):
        return forward(x, target, hidden_weights, output_weights)["squared error"]

    numeric = mg.numeric_gradient(squared_error, to_hidden, to_output, method="forward", step=1e-4)
    print("\nd error / d weight   backward()     finite difference")
    gradient = [to_hidden.grad.numpy(), to_output.grad.numpy()]
    for weights, exact, estimate in zip((to_hidden, to_output), gradient, numeric, strict=True):
        for place in np.ndindex(weights.shape):
            label = f"{weights.name}[{', '.join(map(str, place))}]"
            print(f"{label:<20} {exact[place]:.8f}     {estimate[place]:.8f}")

    result = {name: stage.detach().numpy() for name, stage in stages.items()}
    return result | {"gradient": gradient, "numeric": numeric}


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.parse_args(None if "__file__" in globals() else [])
    main()
