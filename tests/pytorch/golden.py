"""The PyTorch models against the cases of tests/golden: largest errors, for tests/pytorch/pytorch.test.js to judge."""

import json
import os
from typing import Any, Dict, List, Tuple

import torch
from torch import Tensor

import hyperrouter as hr

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
Batch = Tuple[Tensor, ...]


def difference(actual: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest expected number."""
    return float((actual - expected).abs().max() / expected.abs().max().clamp(min=1e-30))


def segments(model: hr.Model, expected: Dict[str, Any]) -> List[Batch]:
    """Inputs and targets of the segments of a language model, or the one batch of another."""
    if "stream" not in expected:
        inputs, targets = torch.tensor(expected["inputs"]), torch.tensor(expected["targets"])
        lengths = [torch.tensor(expected["lengths"])] if "lengths" in expected else []
        return [(inputs, targets, *lengths)]
    stream, length = torch.tensor(expected["stream"]), model.config.contextLength
    starts = range(0, stream.shape[1] - 1, length)
    return [(stream[:, at : at + length], stream[:, at + 1 : at + 1 + length]) for at in starts]


def routing_error(model: hr.Model, expected: Dict[str, Any]) -> float:
    """Largest error of the weights [N,E] of a call, or 1 if other experts were chosen."""
    layers = expected["routing"]
    if layers and isinstance(layers[0], list):  # one list of layers for each sequence
        layers = [{"chosen": sum((sequence[i]["chosen"] for sequence in layers), [])} for i in range(len(layers[0]))]
    worst = 0.0
    for mixture, layer in zip(model.mixtures(), layers):
        routing = mixture.routing
        weights, chosen = torch.zeros_like(routing.weights), torch.zeros_like(routing.chosen)
        if "chosen" in layer:
            for token, assignments in enumerate(layer["chosen"]):
                for expert, weight, kept in assignments:
                    chosen[token, expert], weights[token, expert] = True, weight if kept else 0
        else:
            ids = torch.tensor(layer["experts"]).flatten(0, -2)
            weights.scatter_(1, ids, torch.tensor(layer["weights"]).flatten(0, -2))
            chosen.scatter_(1, ids, True)
        worst = max(worst, difference(routing.weights, weights), float((chosen != routing.chosen).any()))
    return worst


def check(case: str) -> Dict[str, Any]:
    path = lambda name: os.path.join(GOLDEN, case, name)  # noqa: E731
    with open(path("expected.json")) as file:
        expected = json.load(file)
    model = hr.load(path("model.safetensors"))
    batches = segments(model, expected)

    losses, routing, memory = [], [], {}
    wanted = expected.get("segments", [expected])
    model.eval()
    for batch, segment in zip(batches, wanted):
        out = model(*batch, **memory)
        losses.append(abs(float(out.loss) - segment["loss"]))
        routing.append(routing_error(model, segment))
        memory = {"memory": out.memory} if out.memory else {}
    for k, loss in expected.get("lossByK", {}).items():
        model.state.top_k, total, memory = int(k), 0.0, {}
        for batch in batches:
            out = model(*batch, **memory)
            total, memory = total + float(out.loss), {"memory": out.memory}
        losses.append(abs(total / len(batches) - loss))
    model.state.top_k = model.config.topK

    out = model.train()(*batches[0])
    (out.loss + out.auxiliary).backward()
    gradients, _ = hr.read(path("grads.safetensors"))
    own = {name: parameter.grad for name, parameter in hr.trained(model)}
    errors = {name: difference(own[name], gradient) for name, gradient in gradients.items() if name in own}

    optimizer, memory, trained = hr.adam(model, expected["learningRate"]), {}, []
    for index, step in enumerate(expected["train"]):
        if index % len(batches) == 0:
            memory = {}
        taken = hr.train_step(model, optimizer, *batches[index % len(batches)], **memory, clip=expected["clip"])
        memory = {"memory": taken.memory} if taken.memory else {}
        trained += [abs(taken.loss - step["loss"]), abs(taken.grad_norm / step["gradNorm"] - 1)]
        if "sparsityWeight" in step:
            trained.append(abs(model.state.sparsity_weight / step["sparsityWeight"] - 1))
    after, _ = hr.read(path("after.safetensors"))
    state = model.state_dict()
    return {
        "case": case,
        "names": sorted(own) == sorted(gradients) and sorted(state) == sorted(after),
        "loss": max(losses),
        "auxiliary": abs(float(out.auxiliary) - expected.get("auxiliaryLoss", 0)),
        "routing": max(routing),
        "gradients": max(errors.values()),
        "trained": max(trained),
        "parameters": max(float((state[name] - tensor).abs().max()) for name, tensor in after.items()),
    }


def check_all() -> List[Dict[str, Any]]:
    return [check(case) for case in sorted(os.listdir(GOLDEN)) if os.path.isdir(os.path.join(GOLDEN, case))]
