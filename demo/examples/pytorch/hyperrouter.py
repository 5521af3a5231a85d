"""The models of hyperrouter-wasm in PyTorch, for training where one machine ends.

One file, for PyTorch 1.13 or later on any device. The tensors have the names and shapes of the package's checkpoints:
what is saved here opens there, and the other way round.

    model = build("language", vocabSize=256, experts=16)      # or load("model.safetensors")
    optimizer = adam(model, learning_rate=0.001)
    step = train_step(model, optimizer, inputs, targets, clip=0.25)
    save("model.safetensors", model)

`train_step` also takes a model in a `DistributedDataParallel`, each process with its part of the batch. What joins the
tokens of a batch (capacity, expert choice, balancing) is counted over all processes, so that a step is the same
however the batch is cut. All processes must therefore call the model together, in evaluation too.

Dimensions, one letter with one meaning everywhere: B streams or sequences, T positions, N tokens, M tokens of memory,
S = M+T, D model width, H heads, A width of a head, F hidden width of an expert, E experts, K experts per token,
V vocabulary, C classes, I numbers of an input vector, Z hidden width of the hypernetwork, or of the cosine projection.
"""

from __future__ import annotations

import difflib
import json
import math
import struct
from types import SimpleNamespace
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

# ------------------------------------------------------------------------------------------------- configuration

# The keys, meanings and limits are those of the package's guide configuration.md.
SHARED_KEYS = {
    "layers": 2, "dModel": 64, "dInner": 128, "experts": 8, "topK": 2, "router": "hyperrouter",
    "gate": "topk-softmax", "hyperSize": 64, "routerSize": 32, "routerScale": 1, "routerNoise": False,
    "sharedExperts": 0, "capacityFactor": 0, "balanceRate": 0, "sparsityWeight": 0, "batchSize": 16,
    "preLayerNorm": False, "dropout": 0, "loadBalanceWeight": 0, "routerZWeight": 0, "beta1": 0.9, "beta2": 0.999,
    "epsilon": 1e-8, "weightDecay": 0, "seed": 1,
}  # fmt: skip
TEXT_KEYS = {"vocabSize": 256, "heads": 4, "dHead": 16, "contextLength": 64, "attentionDropout": 0}
DEFAULTS: Dict[str, Dict[str, Any]] = {
    "language": {**SHARED_KEYS, **TEXT_KEYS, "memoryLength": 64},
    "text-classifier": {**SHARED_KEYS, **TEXT_KEYS, "classes": 2, "headDropout": 0.1},
    "classifier": {**SHARED_KEYS, "inputSize": 2, "classes": 2},
    "regressor": {**SHARED_KEYS, "inputSize": 2, "outputs": 1},
}


def configuration(kind: str, given: Dict[str, Any]) -> SimpleNamespace:
    """A complete configuration of a kind of model; raises ValueError for what cannot be."""
    if kind not in DEFAULTS:
        raise ValueError(f"kind must be one of {', '.join(DEFAULTS)}, got {kind!r}")
    config = dict(DEFAULTS[kind])
    for key, value in given.items():
        # A language model's configuration fits the text classifier that is made of it.
        if (kind, key) == ("text-classifier", "memoryLength"):
            continue
        if key not in config:
            near = difflib.get_close_matches(key, config, 1)
            raise ValueError(f"a {kind} model has no key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        config[key] = value
    checked = SimpleNamespace(kind=kind, **config)
    check(checked)
    return checked


def check(c: SimpleNamespace) -> None:
    """Refuses keys that have no effect with the router and the gate that are chosen."""
    for key, names in (("router", {**ROUTERS, "dense": None}), ("gate", GATES)):
        if getattr(c, key) not in names:
            raise ValueError(f"{key} must be one of {', '.join(names)}, got {getattr(c, key)!r}")
    if not 1 <= c.topK <= c.experts:
        raise ValueError(f"topK must be from 1 to {c.experts} (experts), got {c.topK}")
    if hasattr(c, "vocabSize") and c.dModel % 2:
        raise ValueError(f"dModel must be even for models of text, got {c.dModel}")
    router, gate = ROUTERS.get(c.router), GATES[c.gate]
    if router and router.reads_tokens and not hasattr(c, "vocabSize"):
        raise ValueError(f"router {c.router!r} needs token ids, which a {c.kind} does not have")
    gated, learns = router is not None and not router.reads_tokens, router is not None and router.learns
    matrix = router is not None and router.has_matrix
    works = {
        "gate": gated,
        "routerScale": gated,
        "routerNoise": matrix,
        "sharedExperts": router is not None,
        "capacityFactor": router is not None and not gate.varies,
        "balanceRate": gated and not gate.varies,
        "sparsityWeight": c.gate == "relu",
        "loadBalanceWeight": learns and not gate.varies,
        "routerZWeight": learns and not gate.varies,
    }
    for key, does in works.items():
        value, default = getattr(c, key), SHARED_KEYS[key]
        if value != default and not does:
            raise ValueError(f"{key} must be {default!r} with router {c.router!r} and gate {c.gate!r}, got {value!r}")


# ------------------------------------------------------------------------------------------------ all processes


BUFFERS: Dict[Any, List[Tensor]] = {}  # of collective calls, by shape


def processes() -> int:
    """How many processes train the model together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather(x: Tensor) -> List[Tensor]:
    """x of every process; it must have the same shape in all. The next call for this shape overwrites the result.

    The buffers are never freed. Gloo's thread could be the last to hold one, and needs Python's lock to free it;
    PyTorch 1.13 waits for that thread, with the lock, when a process group ends: the program would hang.
    """
    key = (processes(), x.shape, x.dtype, x.device)
    if key not in BUFFERS:
        BUFFERS[key] = [torch.empty_like(x) for _ in range(processes() + 1)]
    *everyone, own = BUFFERS[key]
    own.copy_(x)
    dist.all_gather(everyone, own)
    return everyone


def from_all(x: Tensor) -> Tuple[Tensor, int]:
    """The rows of x [n, ...] of all processes, in the order of their ranks, and where those of this one begin.

    n may differ from process to process. There is no gradient.
    """
    x = x.detach()
    if processes() == 1:
        return x, 0
    lengths = [int(length) for length in gather(torch.tensor(len(x), device=x.device))]
    padded = x.new_zeros(max(lengths), *x.shape[1:])
    padded[: len(x)] = x
    rows = [part[:length] for part, length in zip(gather(padded), lengths)]
    return torch.cat(rows), sum(lengths[: dist.get_rank()])


def mean_of_all(x: Tensor) -> float:
    """The mean of a number over all processes."""
    return float(from_all(x.reshape(1))[0].mean())


# ------------------------------------------------------------------------------- routers: where logits come from


class Router(nn.Module):
    """Logits g [N,E] of tokens x [N,D] with the ids `tokens` [N].

    A router of your own is a subclass in ROUTERS under its name. The package opens its files with a router of the same
    name, and tensors of the same names and shapes.
    """

    learns = True  # training changes the logits of a given input
    has_matrix = True  # the logits are R x + b
    reads_tokens = False  # the logits depend on ids alone: no other gate can weigh them

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()

    def forward(self, x: Tensor, tokens: Optional[Tensor]) -> Tensor:
        raise NotImplementedError


class HyperRouter(Router):
    """A frozen random hypernetwork makes R [E,D] and b [E] of a small trained embedding v [1,D]:

        h = relu(H1 v + a1) [Z],  o = H2 h + a2 [E, D+1],  row e of o is (R_e, b_e)

    Do et al. 2023, "HyperRouter", section 3; HyperRouterGate in custom_gate.py of the published code.
    """

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        d, self.experts = config.dModel, config.experts
        self.embedding = nn.Parameter(torch.empty(1, d))
        self.hypernet = nn.Sequential(
            nn.Linear(d, config.hyperSize), nn.ReLU(), nn.Linear(config.hyperSize, self.experts * (d + 1))
        )
        self.hypernet.requires_grad_(False)

    def forward(self, x: Tensor, tokens: Optional[Tensor]) -> Tensor:
        rows = self.hypernet(self.embedding).view(self.experts, -1)
        return F.linear(x, rows[:, :-1], rows[:, -1])


class StandardRouter(Router):
    """R and b are parameters, trained together with the experts. Shazeer et al. 2017, section 2, without noise."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.gate = nn.Linear(config.dModel, config.experts)

    def forward(self, x: Tensor, tokens: Optional[Tensor]) -> Tensor:
        return self.gate(x)


class FrozenRouter(StandardRouter):
    """R and b are random and stay so. Chen et al. 2023, "Sparse MoE as the New Dropout"."""

    learns = False

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.gate.requires_grad_(False)


class CosineRouter(Router):
    """Tokens and experts are compared by angle, in a space of few dimensions:

        z = P x + c [Z],  g_e = cos(z, column e of S) exp(min(t, ln 100))

    Chi et al. 2022, "On the Representation Collapse of Sparse Mixture of Experts" (X-MoE), section 4.
    """

    has_matrix = False

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.cosine_projector = nn.Linear(config.dModel, config.routerSize)
        self.sim_matrix = nn.Parameter(torch.empty(config.routerSize, config.experts))
        self.temperature = nn.Parameter(torch.empty(1))

    def forward(self, x: Tensor, tokens: Optional[Tensor]) -> Tensor:
        cosines = F.normalize(self.cosine_projector(x), dim=1) @ F.normalize(self.sim_matrix, dim=0)
        return cosines * self.temperature.clamp(max=math.log(100)).exp()


class HashRouter(Router):
    """Fixed random experts for each token id. Roller et al. 2021, "Hash Layers For Large Sparse Models"."""

    learns, has_matrix, reads_tokens = False, False, True

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.table = nn.Parameter(torch.empty(config.vocabSize, config.experts), requires_grad=False)

    def forward(self, x: Tensor, tokens: Optional[Tensor]) -> Tensor:
        return self.table[tokens]


ROUTERS: Dict[str, Type[Router]] = {
    "hyperrouter": HyperRouter,
    "smoe": StandardRouter,
    "smoe-dropout": FrozenRouter,
    "cosine": CosineRouter,
    "hash": HashRouter,
}
BUILT_IN = {"dense", *ROUTERS}

# ----------------------------------------------------------------------------------- gates: choice and weights


def largest(scores: Tensor, k: int) -> Tensor:
    """The k largest of each row of scores [n,m] as a mask [n,m]; ties go to the lower index."""
    ids = scores.sort(dim=1, descending=True, stable=True).indices[:, :k]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, ids, True)


def top_k(scores: Tensor, k: int) -> Tensor:
    """Each token chooses its k experts."""
    return largest(scores, k)


def expert_choice(scores: Tensor, k: int) -> Tensor:
    """Each expert chooses min(N, ceil(N k / E)) of all N tokens; a token gets 0 to E experts.

    Zhou et al. 2022, "Mixture-of-Experts with Expert Choice Routing", section 3.2. It looks at later tokens too.
    """
    everyone, begin = from_all(scores)
    n, experts = everyone.shape
    if n == 1:  # an expert cannot choose among tokens that are not there
        return largest(scores, k)
    return largest(everyone.t(), min(n, math.ceil(n * k / experts))).t()[begin : begin + len(scores)]


def positive(scores: Tensor, k: int) -> Tensor:
    """All experts with a positive logit; a token gets 0 to E of them."""
    return scores > 0


def softmax_of_chosen(logits: Tensor, chosen: Tensor) -> Tensor:
    """Softmax over the chosen K only. Do et al. 2023; Mixtral (Jiang et al. 2024, section 2.1)."""
    return logits.masked_fill(~chosen, -math.inf).softmax(1)


def probability(logits: Tensor, chosen: Tensor) -> Tensor:
    """Softmax over all E, not renormalised. Fedus et al. 2022, "Switch Transformers", eq. 2; OLMoE."""
    return logits.softmax(1) * chosen


def share_of_sigmoids(logits: Tensor, chosen: Tensor) -> Tensor:
    """s(g_j) over its sum over the chosen. DeepSeek-V3 (2024), eq. 13 to 15. By logarithms it cannot underflow."""
    return F.logsigmoid(logits).masked_fill(~chosen, -math.inf).softmax(1)


def rectified(logits: Tensor, chosen: Tensor) -> Tensor:
    """max(0, g). Wang et al. 2024, "ReMoE", section 3."""
    return logits.relu()


def uniform(logits: Tensor, chosen: Tensor) -> Tensor:
    """1/K each: hash layers."""
    return chosen / chosen.sum(1, keepdim=True)


def softmax(logits: Tensor) -> Tensor:
    return logits.softmax(1)


def all_shares(logits: Tensor) -> Tensor:
    return share_of_sigmoids(logits, torch.ones_like(logits, dtype=torch.bool))


def same(logits: Tensor) -> Tensor:
    return logits


class Gate(NamedTuple):
    """How experts are chosen from the logits [N,E], and weighed."""

    score: Callable[[Tensor], Tensor]  # what is compared, where a bias is added to it: [N,E]
    choose: Callable[[Tensor, int], Tensor]  # mask [N,E] of the scores, given K
    weigh: Callable[[Tensor, Tensor], Tensor]  # weights [N,E] of the logits and the mask; 0 where not chosen
    share: Callable[[Tensor], Tensor] = softmax  # what the load-balancing loss takes the mean of: [N,E]
    varies: bool = False  # a token gets any number of experts


GATES: Dict[str, Gate] = {
    "topk-softmax": Gate(softmax, top_k, softmax_of_chosen),
    "softmax-topk": Gate(softmax, top_k, probability),
    "sigmoid": Gate(torch.sigmoid, top_k, share_of_sigmoids, share=all_shares),
    "expert-choice": Gate(softmax, expert_choice, probability, varies=True),
    "relu": Gate(same, positive, rectified, varies=True),
}
UNIFORM = Gate(same, top_k, uniform)

# --------------------------------------------------------------------------------------------- feed-forward layers


class Routing(NamedTuple):
    """What a layer did with the tokens of the last call, in this process."""

    logits: Tensor  # [N,E]
    chosen: Tensor  # [N,E] mask, with the assignments that were dropped
    weights: Tensor  # [N,E], 0 where not chosen or dropped


class FeedForward(nn.Module):
    """y = LayerNorm(x + dropout(core(x))), or with preLayerNorm x + dropout(core(LayerNorm(x)))."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.pre_layer_norm, self.dropout = config.preLayerNorm, config.dropout
        self.layer_norm = nn.LayerNorm(config.dModel)

    def core(self, x: Tensor, tokens: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        """y [N,D] of x [N,D], and the auxiliary loss."""
        raise NotImplementedError

    def forward(self, x: Tensor, tokens: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        out, auxiliary = self.core(self.layer_norm(x) if self.pre_layer_norm else x, tokens)
        y = x + F.dropout(out, self.dropout, self.training)
        return (y if self.pre_layer_norm else self.layer_norm(y)), auxiliary


class DenseFeedForward(FeedForward):
    """One network as wide as all experts together: the baseline."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        d, width = config.dModel, config.dInner * config.experts
        self.CoreNet = nn.Sequential(
            nn.Linear(d, width), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(width, d)
        )

    def core(self, x: Tensor, tokens: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        return self.CoreNet(x), x.new_zeros(())


class Experts(nn.Module):
    """o_e = W2_e relu(W1_e x + c1_e) + c2_e, with the weights of all experts in one tensor."""

    class Linears(nn.Module):
        def __init__(self, experts: int, out: int, inputs: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(experts, out, inputs))
            self.bias = nn.Parameter(torch.empty(experts, out))

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.htoh4 = Experts.Linears(config.experts, config.dInner, config.dModel)
        self.h4toh = Experts.Linears(config.experts, config.dModel, config.dInner)

    def forward(self, x: Tensor, kept: Tensor, weights: Tensor) -> Tensor:
        """Sum over the kept experts (mask [N,E]) of a token of weight (weights [N,E]) times output: [N,D]."""
        expert, token = kept.t().nonzero(as_tuple=True)  # sorted by expert
        rows = x[token].split(kept.sum(0).tolist())
        # Experts without a token too: every parameter has a gradient, as DistributedDataParallel demands.
        parameters = (t.unbind() for t in (self.htoh4.weight, self.htoh4.bias, self.h4toh.weight, self.h4toh.bias))
        outputs = [
            F.linear(F.dropout(F.linear(part, w1, c1).relu(), self.dropout, self.training), w2, c2)
            for part, w1, c1, w2, c2 in zip(rows, *parameters)
        ]
        weighted = torch.cat(outputs) * weights[token, expert].unsqueeze(1)
        return torch.zeros_like(x).index_add(0, token, weighted.to(x.dtype))


class SharedExperts(nn.Module):
    """One more network, as wide as n experts, which every token has. DeepSeekMoE (Dai et al. 2024), section 3.2."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        width, self.dropout = config.sharedExperts * config.dInner, config.dropout
        self.htoh4 = nn.Linear(config.dModel, width)
        self.h4toh = nn.Linear(width, config.dModel)

    def forward(self, x: Tensor) -> Tensor:
        return self.h4toh(F.dropout(self.htoh4(x).relu(), self.dropout, self.training))


class MixtureFeedForward(FeedForward):
    """A sparse mixture of experts: logits, choice and weights, limits, experts."""

    def __init__(self, config: SimpleNamespace, state: SimpleNamespace) -> None:
        super().__init__(config)
        self.config, self.state = config, state
        self.gate = ROUTERS[config.router](config)
        self.choice = UNIFORM if self.gate.reads_tokens else GATES[config.gate]
        if config.routerNoise:
            self.gate.w_noise = nn.Parameter(torch.empty(config.experts, config.dModel))
        if config.balanceRate > 0:
            self.gate.register_buffer("e_score_correction_bias", torch.zeros(config.experts))
        self.experts = Experts(config)
        if config.sharedExperts > 0:
            self.shared_experts = SharedExperts(config)
        self.routing: Optional[Routing] = None
        self.counts = torch.zeros(config.experts)  # assignments of each expert in the last training pass: [E]
        self.tokens = 1  # tokens of that pass

    def core(self, x: Tensor, tokens: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        k, config = self.state.top_k, self.config
        logits = self.gate(x, tokens)
        if config.routerNoise and self.training:
            logits = logits + self.noise(x)
        scores = logits
        if config.balanceRate > 0:
            scores = self.choice.score(logits) + self.gate.e_score_correction_bias
        elif self.choice.choose is expert_choice:
            scores = self.choice.score(logits)
        chosen = self.choice.choose(scores.detach(), k)
        weights = self.choice.weigh(logits, chosen)
        counts, before, n = self.count(chosen)
        kept = chosen
        if config.capacityFactor > 0:
            capacity = math.ceil(config.capacityFactor * n * k / config.experts)
            kept = chosen & (before + chosen.cumsum(0) <= capacity)
        y = self.experts(x, kept, weights)
        if config.sharedExperts > 0:
            y = y + self.shared_experts(x)
        self.routing = Routing(logits.detach(), chosen, (weights * kept).detach())
        if self.training:
            self.counts, self.tokens = counts, n
        return y, self.auxiliary(logits, weights, counts, n)

    def noise(self, x: Tensor) -> Tensor:
        """eps (softplus(Wn x) + 0.01), eps from N(0,1): noisy top-k. Shazeer et al. 2017, eq. 4."""
        deviation = F.softplus(F.linear(x, self.gate.w_noise)) + 0.01
        return torch.randn_like(deviation) * deviation

    def count(self, chosen: Tensor) -> Tuple[Tensor, Tensor, int]:
        """Over all processes: assignments of each expert [E], those of the lower ranks [E], and how many tokens."""
        row = F.pad(chosen.sum(0), (0, 1), value=len(chosen)).unsqueeze(0)
        rows, rank = from_all(row)
        total = rows.sum(0)
        return total[:-1], rows[:rank, :-1].sum(0), int(total[-1])

    def auxiliary(self, logits: Tensor, weights: Tensor, counts: Tensor, n: int) -> Tensor:
        """The losses beside that of the model, weighted.

        Load balancing: E sum_e f_e P_e, with f the shares of the assignments and P the mean shares of the scores; Fedus
        et al. 2022, eq. 4. Router z-loss: the mean of logsumexp(g)^2; Zoph et al. 2022, "ST-MoE", eq. 5. Sparsity:
        E / (K N^2) sum_e n_e sum_t w_te; Wang et al. 2024, "ReMoE", eq. 8 to 10.
        """
        config, loss = self.config, logits.new_zeros(())
        # A mean over the tokens of all processes: DistributedDataParallel takes the mean over processes later.
        per_token = processes() / n
        if config.loadBalanceWeight > 0:
            shares = self.choice.share(logits).sum(0) * per_token
            loss = loss + config.loadBalanceWeight * config.experts * (counts / counts.sum() * shares).sum()
        if config.routerZWeight > 0:
            loss = loss + config.routerZWeight * logits.logsumexp(1).square().sum() * per_token
        if self.state.sparsity_weight > 0:
            scale = self.state.sparsity_weight * config.experts / (self.state.top_k * n)
            loss = loss + scale * (counts * weights.sum(0)).sum() * per_token
        return loss

    def after_step(self) -> None:
        """Balancing without a loss: b_e += rate sign(mean of the counts - counts_e). Wang et al. 2024, algorithm 1."""
        if self.config.balanceRate > 0:
            missing = torch.sign(self.counts.sum() - self.counts * self.config.experts)
            self.gate.e_score_correction_bias += self.config.balanceRate * missing

    def zeros(self) -> float:
        """The share of weights that were 0."""
        return 1 - float(self.counts.sum()) / (self.tokens * self.config.experts)


def feed_forward(config: SimpleNamespace, state: SimpleNamespace) -> FeedForward:
    return DenseFeedForward(config) if config.router == "dense" else MixtureFeedForward(config, state)


# ------------------------------------------------------------------------------------------------------ attention


class Attention(nn.Module):
    """Attention with relative positions over the memory and the new tokens. Dai et al. 2019, "Transformer-XL", 3.3:

    score(i,j) = [(q_i + u) k_j + (q_i + w) R_(i-j)] / sqrt(A)
    """

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.heads, self.width = config.heads, config.dHead
        self.pre_layer_norm = config.preLayerNorm
        self.dropout, self.attention_dropout = config.dropout, config.attentionDropout
        width = self.heads * self.width
        self.qkv_net = nn.Linear(config.dModel, 3 * width, bias=False)
        self.r_net = nn.Linear(config.dModel, width, bias=False)
        self.o_net = nn.Linear(width, config.dModel, bias=False)
        self.layer_norm = nn.LayerNorm(config.dModel)

    def forward(self, x: Tensor, memory: Tensor, positions: Tensor, u: Tensor, w: Tensor) -> Tensor:
        """x [B,T,D], memory [B,M,D], positions [S,D] of the distances S-1 .. 0, u and w [H,A] -> [B,T,D]"""
        batch, length, _ = x.shape
        seen = torch.cat([memory, x], 1)
        if self.pre_layer_norm:
            seen = self.layer_norm(seen)
        keys = seen.shape[1]
        q, k, v = self.qkv_net(seen).view(batch, keys, 3, self.heads, self.width).unbind(2)
        q = q[:, -length:]
        r = self.r_net(positions).view(keys, self.heads, self.width)
        content = torch.einsum("bihd,bjhd->bhij", q + u, k)
        distance = self.shift(torch.einsum("bihd,jhd->bhij", q + w, r))
        later = torch.ones(length, keys, dtype=torch.bool, device=x.device).triu(keys - length + 1)
        scores = ((content + distance) / math.sqrt(self.width)).masked_fill(later, -math.inf)
        attention = F.dropout(scores.softmax(3), self.attention_dropout, self.training)
        mixed = torch.einsum("bhij,bjhd->bihd", attention, v).reshape(batch, length, -1)
        y = x + F.dropout(self.o_net(mixed), self.dropout, self.training)
        return y if self.pre_layer_norm else self.layer_norm(y)

    @staticmethod
    def shift(x: Tensor) -> Tensor:
        """Row i of x [B,H,T,S] moves T-1-i places to the left: from distances S-1 .. 0 to keys. Dai et al. 2019, B."""
        batch, heads, length, keys = x.shape
        return F.pad(x, (1, 0)).view(batch, heads, keys + 1, length)[:, :, 1:].view_as(x)


class Layer(nn.Module):
    """Attention, in models of text, then the feed-forward network."""

    def __init__(self, config: SimpleNamespace, state: SimpleNamespace) -> None:
        super().__init__()
        if hasattr(config, "vocabSize"):
            self.dec_attn = Attention(config)
        self.pos_ff = feed_forward(config, state)


# --------------------------------------------------------------------------------------------------------- models


class Output(NamedTuple):
    """What a model gives for a batch, or for this process's part of it."""

    loss: Optional[Tensor]  # mean over the targets: nats, or the squared error of a regressor; None without targets
    logits: Tensor  # [B,T,V], of classifiers [B,C], of a regressor [B,outputs]
    auxiliary: Tensor  # the losses of the routers, summed over the layers
    memory: List[Tensor]  # of a language model, for the next segment: [B,M,D] for each layer


class Model(nn.Module):
    """What all kinds have: layers, and what training changes outside the gradient.

    state.top_k, the experts per token, may be changed at any time; state.sparsity_weight and state.step are kept up.
    """

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.config = config
        self.state = SimpleNamespace(top_k=config.topK, sparsity_weight=config.sparsityWeight, step=0)
        self.metadata: Dict[str, str] = {}  # strings of the file, such as the vocabulary
        self.layers = nn.ModuleList([Layer(config, self.state) for _ in range(config.layers)])

    def initialise(self) -> None:
        """Draws the initial values of the published code, from config.seed. The package draws others from it."""
        generator = torch.Generator().manual_seed(self.config.seed)
        for name, parameter in self.named_parameters():
            mean, deviation = self.initial(name)
            values = mean + deviation * torch.randn(parameter.shape, generator=generator)
            parameter.data.copy_(values)

    def initial(self, name: str) -> Tuple[float, float]:
        """Mean and standard deviation of a tensor's initial values."""
        if name.endswith("layer_norm.weight"):
            return 1, 0.02
        if name.endswith((".bias", "gate.w_noise")):
            return 0, 0
        if name.endswith(("gate.embedding", "gate.table")):
            return 0, 1
        if name.endswith("gate.temperature"):
            return math.log(2), 0
        if name.endswith(("gate.hypernet.2.weight", "gate.gate.weight", "gate.sim_matrix")):
            return 0, 0.02 * self.config.routerScale
        return 0, 0.02

    def mixtures(self) -> List[MixtureFeedForward]:
        """The layers with a router, for their routing."""
        return [layer.pos_ff for layer in self.layers if isinstance(layer.pos_ff, MixtureFeedForward)]

    @torch.no_grad()
    def after_step(self) -> None:
        """What changes after a training step: the bias that balances, and the weight of the sparsity loss, which is
        multiplied by 1.2 or divided by it (Wang et al. 2024, "ReMoE", section 3.3)."""
        self.state.step += 1
        mixtures = self.mixtures()
        for mixture in mixtures:
            mixture.after_step()
        if self.state.sparsity_weight > 0:
            zeros = sum(mixture.zeros() for mixture in mixtures) / len(mixtures)
            more = zeros < 1 - self.state.top_k / self.config.experts
            self.state.sparsity_weight *= 1.2 if more else 1 / 1.2


class TextModel(Model):
    """Embedding, positions and layers with attention."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.word_emb = nn.Module()
        self.word_emb.emb_layers = nn.ModuleList([nn.Embedding(config.vocabSize, config.dModel)])
        self.r_w_bias = nn.Parameter(torch.empty(config.heads, config.dHead))
        self.r_r_bias = nn.Parameter(torch.empty(config.heads, config.dHead))

    def positions(self, count: int) -> Tensor:
        """[S,D] of the distances S-1 .. 0: sines, then cosines (Vaswani et al. 2017, section 3.5), less 1.

        The 1 is the same for all distances, so the softmax over them does not see it. But without it the slow cosines,
        all close to 1, keep their tiny gradients, which Adam makes large, out of the rounding errors.
        """
        d, device = self.config.dModel, self.r_r_bias.device
        frequencies = 10000 ** (-torch.arange(0, d, 2.0, device=device) / d)
        angles = torch.arange(count - 1, -1, -1.0, device=device).unsqueeze(1) * frequencies
        if self.training and self.config.dropout > 0:
            dropped = F.dropout(torch.cat([angles.sin(), angles.cos()], 1), self.config.dropout)
            return torch.cat([dropped[:, : d // 2], dropped[:, d // 2 :] - 1], 1)
        return torch.cat([angles.sin(), -2 * (angles / 2).sin().square()], 1)

    def body(
        self, inputs: Tensor, memory: List[Tensor], real: Optional[Tensor]
    ) -> Tuple[Tensor, Tensor, List[Tensor]]:
        """Hidden states [B,T,D] of inputs [B,T], the auxiliary loss, and the inputs of the layers.

        real: mask [B,T] of what is no padding, which is neither routed nor counted. As it comes behind a sequence, the
        causal mask of the attention hides it.
        """
        dropout = self.config.dropout
        x = self.word_emb.emb_layers[0](inputs) * math.sqrt(self.config.dModel)
        x = F.dropout(x, dropout, self.training)
        positions = self.positions(memory[0].shape[1] + inputs.shape[1]).to(x.dtype)
        tokens = inputs.flatten() if real is None else inputs[real]
        auxiliary, layer_inputs = x.new_zeros(()), []
        for layer, remembered in zip(self.layers, memory):
            layer_inputs.append(x)
            x = layer.dec_attn(x, remembered, positions, self.r_w_bias, self.r_r_bias)
            rows, loss = layer.pos_ff(x.flatten(0, 1) if real is None else x[real], tokens)
            if real is None:
                x = rows.view_as(x)
            else:
                x = torch.zeros_like(x).masked_scatter(real.unsqueeze(2), rows)
            auxiliary = auxiliary + loss
        return F.dropout(x, dropout, self.training), auxiliary, layer_inputs

    def no_memory(self, inputs: Tensor) -> List[Tensor]:
        empty = self.r_w_bias.new_zeros(inputs.shape[0], 0, self.config.dModel)
        return [empty for _ in self.layers]


class LanguageModel(TextModel):
    """Transformer-XL with mixtures of experts; the output matrix is the embedding."""

    class Bias(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.empty(size))

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        self.crit = nn.Module()
        self.crit.out_layers = nn.ModuleList([LanguageModel.Bias(config.vocabSize)])

    def forward(
        self, inputs: Tensor, targets: Optional[Tensor] = None, memory: Optional[List[Tensor]] = None
    ) -> Output:
        """inputs and targets [B,T] of token ids; memory: of the last segment's output, none at the beginning"""
        memory = memory or self.no_memory(inputs)
        x, auxiliary, layer_inputs = self.body(inputs, memory, None)
        logits = F.linear(x, self.word_emb.emb_layers[0].weight, self.crit.out_layers[0].bias)
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return Output(loss, logits, auxiliary, [self.remember(*rows) for rows in zip(memory, layer_inputs)])

    def remember(self, memory: Tensor, x: Tensor) -> Tensor:
        """The last memoryLength rows of both, without a gradient."""
        rows = torch.cat([memory, x.detach()], 1)
        return rows[:, max(0, rows.shape[1] - self.config.memoryLength) :]


class TextClassifier(TextModel):
    """The body of a language model without memory, and on the last token's output y: W2 tanh(W1 y + c1) + c2."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config)
        d = config.dModel
        self.project_head = nn.Sequential(
            nn.Linear(d, d), nn.Tanh(), nn.Dropout(config.headDropout), nn.Linear(d, config.classes)
        )

    def forward(self, inputs: Tensor, targets: Optional[Tensor] = None, lengths: Optional[Tensor] = None) -> Output:
        """inputs [B,T] padded with any ids, targets [B], lengths [B]: T each if None"""
        batch, length = inputs.shape
        if lengths is None:
            lengths = torch.full((batch,), length, device=inputs.device)
        real = torch.arange(length, device=inputs.device) < lengths.unsqueeze(1)
        x, auxiliary, _ = self.body(inputs.masked_fill(~real, 0), self.no_memory(inputs), real)
        logits = self.project_head(x[torch.arange(batch, device=x.device), lengths - 1])
        return Output(None if targets is None else F.cross_entropy(logits, targets), logits, auxiliary, [])


class VectorModel(Model):
    """Vectors [B,I] through a linear map, the layers, and a linear map."""

    def __init__(self, config: SimpleNamespace, outputs: int) -> None:
        super().__init__(config)
        self.input = nn.Linear(config.inputSize, config.dModel)
        self.output = nn.Linear(config.dModel, outputs)

    def body(self, inputs: Tensor) -> Tuple[Tensor, Tensor]:
        x = self.input(inputs)
        auxiliary = x.new_zeros(())
        for layer in self.layers:
            x, loss = layer.pos_ff(x, None)
            auxiliary = auxiliary + loss
        return self.output(x), auxiliary


class Classifier(VectorModel):
    """Classifier of vectors."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config, config.classes)

    def forward(self, inputs: Tensor, targets: Optional[Tensor] = None) -> Output:
        """inputs [B,I], targets [B] of class ids"""
        logits, auxiliary = self.body(inputs)
        return Output(None if targets is None else F.cross_entropy(logits, targets), logits, auxiliary, [])


class Regressor(VectorModel):
    """From vectors to numbers: the mean squared error.

    The package standardises targets and keeps their scale in the file (metadata "hyperrouter.targets"); here targets
    and outputs are the standardised ones.
    """

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__(config, config.outputs)

    def forward(self, inputs: Tensor, targets: Optional[Tensor] = None) -> Output:
        """inputs [B,I], targets [B,outputs]"""
        outputs, auxiliary = self.body(inputs)
        return Output(None if targets is None else F.mse_loss(outputs, targets), outputs, auxiliary, [])


KINDS: Dict[str, Type[Model]] = {
    "language": LanguageModel,
    "text-classifier": TextClassifier,
    "classifier": Classifier,
    "regressor": Regressor,
}


def build(kind: str, **config: Any) -> Model:
    """A new model with random values; kind is a key of KINDS, the other arguments are the package's configuration."""
    checked = configuration(kind, config)
    model = KINDS[kind](checked)
    model.initialise()
    return model


# ------------------------------------------------------------------------------------------------------- training


def adam(model: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    """Adam as in the package: with decoupled weight decay, 0 by default. Loshchilov and Hutter 2019."""
    config = unwrapped(model).config
    return torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        weight_decay=config.weightDecay,
    )


def unwrapped(model: nn.Module) -> Model:
    """The model inside a DistributedDataParallel, or itself."""
    return getattr(model, "module", model)


class Step(NamedTuple):
    loss: float  # over all processes, as the others
    auxiliary: float
    grad_norm: float  # before clipping
    memory: List[Tensor]  # of this process


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, *batch: Any, clip: float = 0, **named: Any
) -> Step:
    """Gradient, clipping to the global norm `clip` (0: none), and a step of the optimizer.

    The other arguments are those of the model: inputs, targets, and memory or lengths.
    """
    model.train()
    optimizer.zero_grad(set_to_none=True)
    out = model(*batch, **named)
    (out.loss + out.auxiliary).backward()
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    norm = torch.nn.utils.clip_grad_norm_(trained, clip or math.inf)
    optimizer.step()
    unwrapped(model).after_step()
    return Step(mean_of_all(out.loss), mean_of_all(out.auxiliary), float(norm), out.memory)


# ---------------------------------------------------------------------------------------------------- checkpoints

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
# Redundant tensors of the published code, and what only the package uses.
IGNORED = ("crit.out_layers.0.weight", "pos_emb.inv_freq", "best.", "optimizer.", "state.")


def read(path: str) -> Tuple[Dict[str, Tensor], Dict[str, str]]:
    """The tensors of a safetensors file, in f32, and its metadata.

    8 bytes with the length of the header, the header in JSON, the numbers: https://github.com/huggingface/safetensors
    """
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"tensor {name} must be of {', '.join(DTYPES)}, got {entry['dtype']}")
        begin, _ = entry["data_offsets"]
        flat = torch.frombuffer(
            data, dtype=DTYPES[entry["dtype"]], offset=begin, count=math.prod(entry["shape"])
        )
        tensors[name] = flat.reshape(entry["shape"]).float()
    return tensors, metadata


def write(path: str, tensors: Dict[str, Tensor], metadata: Dict[str, str]) -> None:
    """Writes a safetensors file in f32."""
    header: Dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().float().cpu().contiguous().numpy().tobytes())


def kind_of(tensors: Dict[str, Tensor], config: Dict[str, Any]) -> str:
    if "project_head.0.weight" in tensors:
        return "text-classifier"
    if "input.weight" not in tensors:
        return "language"
    return "regressor" if "outputs" in config else "classifier"


def load(path: str, **config: Any) -> Model:
    """Opens a checkpoint of the package, of `save`, or of the published code, whose files have no configuration.

    config: instead of that of the file, or beside it. A file with a router of one's own needs it in ROUTERS.
    """
    tensors, metadata = read(path)
    stored = json.loads(metadata.pop("hyperrouter.config", "{}"))
    if stored.get("router") == "custom":
        stored["router"] = metadata.pop("hyperrouter.router")
    config = {**stored, **config}
    if not config:
        raise ValueError(f"{path} has no configuration: pass the model's")
    kind = kind_of(tensors, config)
    model = KINDS[kind](configuration(kind, config))
    fill(model, tensors)
    model.state.top_k = int(metadata.pop("hyperrouter.topK", model.config.topK))
    model.state.step = int(metadata.pop("hyperrouter.step", 0))
    if model.config.sparsityWeight > 0:
        model.state.sparsity_weight = float(
            metadata.pop("hyperrouter.sparsityWeight", model.config.sparsityWeight)
        )
    model.metadata = {key: value for key, value in metadata.items() if key not in ("format", "hyperrouter.run")}
    return model


def fill(model: Model, tensors: Dict[str, Tensor]) -> None:
    """Copies the tensors of a file into a model. A bias that balances begins at 0 where the file has none."""
    own = model.state_dict()
    for name, tensor in own.items():
        found = tensors.get(name)
        if found is None and name.endswith("e_score_correction_bias"):
            continue
        if found is None or found.shape != tensor.shape:
            got = "there is none" if found is None else f"it has {list(found.shape)}"
            raise ValueError(f"tensor {name} must have the shape {list(tensor.shape)}; in the file {got}")
        tensor.copy_(found)
    for name in tensors:
        # The published HyperRouterGate has an unused gate.gate beside its hypernetwork.
        placeholder = model.config.router == "hyperrouter" and ".gate.gate." in name
        unused_bias = name.endswith("e_score_correction_bias")
        if name not in own and not name.startswith(IGNORED) and not placeholder and not unused_bias:
            raise ValueError(f"tensor {name} is not one of this model")


def save(
    path: str,
    model: nn.Module,
    optimizer: Optional[torch.optim.Optimizer] = None,
    memory: Optional[List[Tensor]] = None,
) -> None:
    """Writes a checkpoint that the package opens without being told its configuration.

    With the optimizer, and for a language model the memory [B,M,D] of all streams for each layer, training can go on
    from it, here or there. One process writes; `memory` must come from all (`from_all`).
    """
    model = unwrapped(model)
    config, state = {**vars(model.config)}, model.state
    del config["kind"]
    metadata = dict(model.metadata)
    if config["router"] not in BUILT_IN:
        metadata["hyperrouter.router"], config["router"] = config["router"], "custom"
    metadata["hyperrouter.config"] = json.dumps(config)
    if state.top_k != model.config.topK:
        metadata["hyperrouter.topK"] = str(state.top_k)
    if model.config.sparsityWeight > 0:
        metadata["hyperrouter.sparsityWeight"] = repr(state.sparsity_weight)
    tensors = dict(model.state_dict())
    if optimizer:
        metadata["hyperrouter.step"] = str(state.step)
        for moment, key in (("m", "exp_avg"), ("v", "exp_avg_sq")):
            for name, parameter in trained(model):
                tensors[f"optimizer.{moment}.{name}"] = optimizer.state[parameter].get(key, torch.zeros_like(parameter))
    for layer, rows in enumerate(memory or []):
        if rows.shape[1] > 0:
            tensors[f"state.memory.{layer}"] = rows
    write(path, tensors, metadata)


def trained(model: Model) -> List[Tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def resume(path: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> List[Tensor]:
    """Takes over the optimizer's state of a file that was saved with it.

    Returns the memory of all streams, [B,M,D] for each layer; nothing if the file has none.
    """
    tensors, metadata = read(path)
    if "hyperrouter.step" not in metadata:
        raise ValueError(f"{path} was saved without the state of the optimizer")
    for name, parameter in trained(unwrapped(model)):
        optimizer.state[parameter] = {
            "step": torch.tensor(float(metadata["hyperrouter.step"])),
            "exp_avg": tensors[f"optimizer.m.{name}"].to(parameter.device),
            "exp_avg_sq": tensors[f"optimizer.v.{name}"].to(parameter.device),
        }
    device = next(model.parameters()).device
    names = [f"state.memory.{layer}" for layer in range(len(unwrapped(model).layers))]
    return [tensors[name].to(device) for name in names if name in tensors]
