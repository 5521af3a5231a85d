"""What pytorch.test.js asks of the PyTorch models: started twice, as the ranks 0 and 1 of two processes.

    RANK=0 python3 checks.py FOLDER EXAMPLES

FOLDER has tasks.json and a checkpoint for each task, and gets NAME.two.safetensors, trained by both processes,
NAME.one.safetensors, trained by one, and report.json. EXAMPLES is the folder of hyperrouter.py.
"""

import itertools
import json
import os
import sys
from typing import Any, Dict, List

sys.dont_write_bytecode = True
FOLDER, EXAMPLES = sys.argv[1:]
sys.path.insert(0, EXAMPLES)

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

import golden
import hyperrouter as hr
import train

RANK = int(os.environ["RANK"])


class LowRank(hr.Router):
    """As demo/examples/low-rank-router.js: R = U V."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.u = torch.nn.Parameter(torch.empty(config.experts, 2))
        self.v = torch.nn.Parameter(torch.empty(2, config.dModel))
        self.bias = torch.nn.Parameter(torch.empty(config.experts))

    def forward(self, x: Tensor, tokens: Any) -> Tensor:
        return torch.nn.functional.linear(x, self.u @ self.v, self.bias)


hr.ROUTERS["low-rank-2"] = LowRank


def path(name: str) -> str:
    return os.path.join(FOLDER, name)


def part(x: Tensor, count: int) -> Tensor:
    """The rows of this process, if `count` share them."""
    return x.chunk(count)[RANK] if count > 1 else x


class Training:
    """Steps of one task, by `count` processes."""

    def __init__(self, task: Dict[str, Any], file: str, count: int) -> None:
        self.task, self.count, self.taken = task, count, 0
        self.model = hr.load(file)
        self.optimizer = hr.adam(self.model, task["learningRate"])
        self.memory = [part(rows, count) for rows in hr.resume(file, self.model, self.optimizer)]
        self.trained = DistributedDataParallel(self.model, broadcast_buffers=False) if count > 1 else self.model

    def steps(self, count: int) -> List[float]:
        losses = []
        for batch in self.task["batches"][self.taken : self.taken + count]:
            named = {key: part(torch.tensor(value), self.count) for key, value in batch.items()}
            if self.model.config.kind == "language":
                named["memory"] = self.memory
            step = hr.train_step(self.trained, self.optimizer, **named, clip=self.task["clip"])
            self.memory = step.memory
            losses.append(step.loss)
        self.taken += count
        return losses

    def save(self, file: str) -> None:
        memory = [hr.from_all(rows)[0] for rows in self.memory] if self.count > 1 else self.memory
        if RANK == 0:
            hr.save(file, self.model, self.optimizer, memory)


def difference(one: str, two: str) -> float:
    """Largest difference between the tensors of two files; infinite if they have other names or metadata."""
    (first, a), (second, b) = hr.read(one), hr.read(two)
    if set(first) != set(second) or set(a) != set(b):
        return float("inf")
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def refusal(**config: Any) -> str:
    try:
        hr.build("language", **config)
        return "accepted"
    except ValueError as error:
        return str(error)


def main() -> None:
    with open(path("tasks.json")) as file:
        tasks = json.load(file)
    dist.init_process_group("gloo", init_method="file://" + path("meeting"), rank=RANK, world_size=2)
    together = {}
    for task in tasks:
        training = Training(task, path(task["name"] + ".safetensors"), 2)
        together[task["name"]] = training.steps(5)
        training.save(path(task["name"] + ".two.safetensors"))
    # As in train.py.
    dist.barrier()
    dist.destroy_process_group()
    if RANK != 0:
        return

    report: Dict[str, Any] = {
        "tasks": [],
        "golden": golden.check_all(),
        "defaults": hr.DEFAULTS,
        "refusals": [
            refusal(expert=3),
            refusal(router="hash", gate="sigmoid"),
            refusal(gate="relu", capacityFactor=1),
            refusal(topK=9),
        ],
        "segments": [],
        "rates": [train.learning_rate(step, 80, 0.003) for step in range(80)],
    }
    tokens = torch.arange(23)
    for rank in range(2):
        segments = itertools.islice(train.segments(tokens, 4, 2, 3, rank, 2), 6)
        report["segments"].append([(s.inputs.tolist(), s.targets.tolist(), s.first) for s in segments])
    for task in tasks:
        name = task["name"]
        training = Training(task, path(name + ".safetensors"), 1)
        losses = training.steps(5)
        training.save(path(name + ".one.safetensors"))
        report["tasks"].append(
            {
                "name": name,
                "one": losses,
                "two": together[name],
                "difference": difference(path(name + ".one.safetensors"), path(name + ".two.safetensors")),
                "further": training.steps(5),
            }
        )
    hr.save(path("noisy.safetensors"), hr.build("classifier", routerNoise=True, layers=1))
    with open(path("report.json"), "w") as file:
        json.dump(report, file)


main()
