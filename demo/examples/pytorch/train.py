"""Trains a language model on text, on any number of machines.

    python3 train.py --data book.txt --out book.safetensors
    torchrun --nproc_per_node 4 train.py --data book.txt --out book.safetensors --config config.json

(`torchrun` is `python3 -m torch.distributed.run`.) Each process takes an equal part of the streams of a batch and, if
there are any, a GPU of its machine. The file opens in the package, where it generates text and shows its routing; a
file of the package can be trained further with --from.
"""

import argparse
import json
import math
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from hyperrouter import LanguageModel, Model, adam, build, from_all, load, resume, save, train_step


class Segment(NamedTuple):
    inputs: Tensor  # [B,T] token ids
    targets: Tensor  # [B,T]: the tokens after them
    first: bool  # of its streams: there is no memory yet


def read_tokens(path: str, vocabulary: int) -> Tensor:
    """The token ids of a file [N]: its bytes, or the integers of a NumPy file (.npy)."""
    if path.endswith(".npy"):
        import numpy

        tokens = torch.from_numpy(numpy.load(path).astype("int64").ravel())
    else:
        with open(path, "rb") as file:
            tokens = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).long()
    if len(tokens) == 0 or int(tokens.max()) >= vocabulary:
        raise SystemExit(f"{path} must have tokens below {vocabulary} (vocabSize)")
    return tokens


def segments(tokens: Tensor, batch: int, length: int, step: int, rank: int, count: int) -> Iterator[Segment]:
    """The segments of the steps from `step` on, as TextStreams of the package cuts them: B streams side by side, each
    read from beginning to end, again and again. A process gets the streams of its rank."""
    longest = len(tokens) // batch
    if longest < 2:
        raise SystemExit(f"the text must have at least {2 * batch} tokens for {batch} streams (batchSize)")
    streams = tokens[: longest * batch].view(batch, longest).chunk(count)[rank]
    while True:
        at = step % math.ceil((longest - 1) / length) * length
        end = min(at + length, longest - 1)
        yield Segment(streams[:, at:end], streams[:, at + 1 : end + 1], at == 0)
        step += 1


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Linear warm-up, then cosine decay to 0: the package's default."""
    warmup = min(50, steps // 10)
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def join() -> Tuple[torch.device, int, int]:
    """This process's device, its rank, and the number of processes; joins the others under torchrun."""
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    if "RANK" not in os.environ:
        return device, 0, 1
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device, dist.get_rank(), dist.get_world_size()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains a language model on text, on any number of machines.")
    parser.add_argument("--data", required=True, help="text, each byte of which is a token, or ids in a .npy file")
    parser.add_argument("--out", required=True, help="checkpoint to write (safetensors)")
    parser.add_argument("--from", dest="begin", metavar="FILE", help="checkpoint to go on from")
    parser.add_argument("--config", help="JSON file with the package's configuration keys, for a new model")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--clip", type=float, default=0.25, help="largest norm of the gradient; 0: no clipping")
    parser.add_argument("--every", type=int, default=50, help="steps between two lines of progress")
    parser.add_argument("--save-every", type=int, default=1000, help="steps between two checkpoints")
    return parser.parse_args()


def open_model(options: argparse.Namespace) -> Model:
    config: Dict[str, Any] = {}
    if options.config:
        with open(options.config) as file:
            config = json.load(file)
    model = load(options.begin, **config) if options.begin else build("language", **config)
    if not isinstance(model, LanguageModel):
        raise SystemExit(f"{options.begin} must be a language model, not a {model.config.kind}")
    return model


def main() -> None:
    options = read_options()
    device, rank, count = join()
    model = open_model(options).to(device)
    config, state = model.config, model.state
    if config.batchSize % count:
        raise SystemExit(f"batchSize must be a multiple of {count} (processes), got {config.batchSize}")
    torch.manual_seed(config.seed * count + rank)  # of dropout and noise
    optimizer = adam(model, options.learning_rate)
    memory: List[Tensor] = []
    if options.begin and state.step > 0:
        memory = [rows.chunk(count)[rank] for rows in resume(options.begin, model, optimizer)]
    trained = DistributedDataParallel(model, broadcast_buffers=False) if count > 1 else model

    tokens = read_tokens(options.data, config.vocabSize)
    begin = state.step
    steps = begin + options.steps
    for segment in segments(tokens, config.batchSize, config.contextLength, begin, rank, count):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(state.step - begin, options.steps, options.learning_rate)
        batch = (segment.inputs.to(device), segment.targets.to(device), [] if segment.first else memory)
        taken = train_step(trained, optimizer, *batch, clip=options.clip)
        memory = taken.memory
        if rank == 0 and (state.step % options.every == 0 or state.step == steps):
            print(f"step {state.step} loss {taken.loss:.6f} gradient {taken.grad_norm:.4f}", flush=True)
        if state.step % options.save_every == 0 or state.step == steps:
            streams = [from_all(rows)[0] for rows in memory]
            if rank == 0:
                save(options.out, model, optimizer, streams)
        if state.step == steps:
            break
    if count > 1:
        # No process leaves before the file is there. And one that leaves right after a collective call may hang in
        # PyTorch 1.13: gloo's thread needs Python's lock to free the tensors of that call.
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
