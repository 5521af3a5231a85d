"""PyTorch as a contestant: the same work as contestants.js, by the same protocol (a JSON request a line on standard
input, a reply a line on standard output). One thread. Two of them:
    PyTorch         a mixture of experts as it is usually written: for each expert, gather its tokens, two linear
                    layers, add to the output
    PyTorch tuned   what PyTorch can be brought to without writing kernels: weights stacked over the experts (so that
                    Adam has few large tensors), tokens sorted once, rows moved by permutations whose gradient is a
                    permutation again
Everything else is the same in both: fused operations where PyTorch has them.

    python3 torch_peer.py wall|cpu     what is timed: time, or time of the processor in this process
"""

import json
import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F

CLOCK = time.process_time if sys.argv[1:] == ["cpu"] else time.perf_counter

torch.set_num_threads(1)
torch.manual_seed(1)


def parameter(*shape, deviation=0.02, mean=0.0):
    return torch.nn.Parameter(mean + deviation * torch.randn(*shape))


class Gather(torch.autograd.Function):
    """Rows of x [n] for the k assignments of each, sorted: out[i] = x[order[i] // k]. The gradient of a row is the
    sum of its k copies, found through the inverse permutation (index_add is several times slower)."""

    @staticmethod
    def forward(ctx, x, order, inverse, k):
        ctx.inverse, ctx.k = inverse, k
        return x.index_select(0, torch.div(order, k, rounding_mode="floor"))

    @staticmethod
    def backward(ctx, grad):
        return grad.index_select(0, ctx.inverse).view(-1, ctx.k, grad.shape[1]).sum(1), None, None, None


class Scatter(torch.autograd.Function):
    """Back to the order of the assignments."""

    @staticmethod
    def forward(ctx, x, order, inverse):
        ctx.order = order
        return x.index_select(0, inverse)

    @staticmethod
    def backward(ctx, grad):
        return grad.index_select(0, ctx.order), None, None


class Router(torch.nn.Module):
    """Chooses k of the experts of every token; `hyper` generates the matrix, else it is a parameter."""

    def __init__(self, d, experts, k, hyper):
        super().__init__()
        self.k, self.experts, self.hyper = k, experts, hyper
        if hyper:
            self.embedding = parameter(d, deviation=1)
            self.register_buffer("h1", 0.02 * torch.randn(hyper, d))
            self.register_buffer("h2", 0.02 * torch.randn(experts * (d + 1), hyper))
        else:
            self.gate, self.bias = parameter(experts, d), parameter(experts, deviation=0)

    def forward(self, x):
        if self.hyper:
            rows = F.linear(F.relu(F.linear(self.embedding, self.h1)), self.h2).view(self.experts, -1)
            logits = F.linear(x, rows[:, :-1], rows[:, -1])
        else:
            logits = F.linear(x, self.gate, self.bias)
        top, chosen = logits.topk(self.k, dim=-1)
        return top.softmax(-1), chosen


class Mixture(torch.nn.Module):
    """The mixture of experts of src/moe.h."""

    def __init__(self, d, f, experts, k, hyper=0):
        super().__init__()
        self.router = Router(d, experts, k, hyper)
        self.experts = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(d, f), torch.nn.ReLU(), torch.nn.Linear(f, d)) for _ in range(experts)
        )
        for expert in self.experts:
            for linear in (expert[0], expert[2]):
                torch.nn.init.normal_(linear.weight, std=0.02)
                torch.nn.init.zeros_(linear.bias)

    def forward(self, x):
        weights, chosen = self.router(x)
        out = torch.zeros_like(x)
        for id, expert in enumerate(self.experts):
            token, place = torch.where(chosen == id)
            out = out.index_add(0, token, weights[token, place, None] * expert(x[token]))
        return out


class TunedMixture(torch.nn.Module):
    def __init__(self, d, f, experts, k, hyper=0):
        super().__init__()
        self.router, self.experts, self.k = Router(d, experts, k, hyper), experts, k
        self.w1, self.c1 = parameter(experts, f, d), parameter(experts, f, deviation=0)
        self.w2, self.c2 = parameter(experts, d, f), parameter(experts, d, deviation=0)

    def forward(self, x):
        weights, chosen = self.router(x)
        flat = chosen.flatten()
        order = flat.argsort()
        inverse = torch.empty_like(order)
        inverse[order] = torch.arange(order.numel())
        counts = flat.bincount(minlength=self.experts).tolist()
        parts = Gather.apply(x, order, inverse, self.k).split(counts)
        experts = zip(parts, self.w1.unbind(), self.c1.unbind(), self.w2.unbind(), self.c2.unbind())
        out = torch.cat([F.linear(F.relu(F.linear(p, w1, c1)), w2, c2) for p, w1, c1, w2, c2 in experts])
        out = Scatter.apply(out, order, inverse).view(-1, self.k, x.shape[1])
        return torch.bmm(weights.unsqueeze(1), out).squeeze(1)


MIXTURES = {"PyTorch": Mixture, "PyTorch tuned": TunedMixture}


class Attention(torch.nn.Module):
    """Transformer-XL's, with the published code's shift of the relative scores."""

    def __init__(self, d, heads, d_head):
        super().__init__()
        self.heads, self.d_head = heads, d_head
        width = heads * d_head
        self.qkv, self.out, self.r = parameter(3 * width, d), parameter(d, width), parameter(width, d)
        self.norm, self.norm_bias = parameter(d, mean=1), parameter(d, deviation=0)

    def forward(self, x, memory, positions, mask, u, w):
        batch, length, d = x.shape
        both = torch.cat([memory, x], 1)
        keys = both.shape[1]
        q, k, v = F.linear(both, self.qkv).view(batch, keys, 3, self.heads, self.d_head).unbind(2)
        q, k, v = q[:, -length:].transpose(1, 2), k.permute(0, 2, 3, 1), v.transpose(1, 2)
        r = F.linear(positions, self.r).view(keys, self.heads, self.d_head).permute(1, 2, 0)
        content = torch.matmul(q + u[:, None], k)
        distance = torch.matmul(q + w[:, None], r)
        distance = F.pad(distance, (1, 0)).view(batch, self.heads, keys + 1, length)[:, :, 1:].view_as(content)
        scores = (content + distance) / math.sqrt(self.d_head) + mask
        mixed = torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(batch, length, -1)
        return F.layer_norm(x + F.linear(mixed, self.out), (d,), self.norm, self.norm_bias)


class Layer(torch.nn.Module):
    def __init__(self, mixture, d, heads, d_head, f, experts, k):
        super().__init__()
        self.attention, self.mixture = Attention(d, heads, d_head), mixture(d, f, experts, k, hyper=d)
        self.norm, self.norm_bias = parameter(d, mean=1), parameter(d, deviation=0)

    def forward(self, x, *attention):
        x = self.attention(x, *attention)
        out = self.mixture(x.flatten(0, 1)).view_as(x)
        return F.layer_norm(x + out, x.shape[-1:], self.norm, self.norm_bias)


class LanguageModel(torch.nn.Module):
    def __init__(self, mixture, size):
        super().__init__()
        d, heads, d_head = size["d"], size["heads"], size["dHead"]
        self.embedding, self.bias = parameter(size["vocabulary"], d), parameter(size["vocabulary"], deviation=0)
        self.u, self.w = parameter(heads, d_head), parameter(heads, d_head)
        self.layers = torch.nn.ModuleList(
            Layer(mixture, d, heads, d_head, size["f"], size["experts"], size["topK"])
            for _ in range(size["layers"])
        )
        keys, length = size["memory"] + size["length"], size["length"]
        angles = torch.arange(keys - 1, -1, -1.0)[:, None] * 10000 ** (-torch.arange(0, d, 2.0) / d)
        self.positions = torch.cat([angles.sin(), angles.cos()], 1)
        self.mask = torch.full((length, keys), -math.inf).triu(size["memory"] + 1)
        self.memory = [torch.zeros(size["batch"], size["memory"], d) for _ in self.layers]

    def forward(self, tokens, targets):
        x = F.embedding(tokens, self.embedding) * math.sqrt(self.embedding.shape[1])
        for i, layer in enumerate(self.layers):
            before = x
            x = layer(x, self.memory[i], self.positions, self.mask, self.u, self.w)
            keep = self.memory[i].shape[1]
            if keep:
                self.memory[i] = torch.cat([self.memory[i], before.detach()], 1)[:, -keep:]
        return F.cross_entropy(F.linear(x.flatten(0, 1), self.embedding, self.bias), targets.flatten())



def product(_, size):
    rows, out, inputs = size["rows"], size["out"], size["in"]
    x, y, w = torch.randn(rows, inputs), torch.randn(rows, out), torch.randn(out, inputs)
    a, b, like = ((x, w.t(), y), (y, w, x), (y.t(), x, w))[size["form"]]
    result = torch.empty_like(like)
    return lambda: torch.mm(a, b, out=result)


def layer(mixture, size):
    model = mixture(size["d"], size["f"], size["experts"], size["topK"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    x = torch.randn(size["tokens"], size["d"], requires_grad=True)
    target = torch.randn(size["tokens"], size["d"])

    def run():
        if size["work"] == 0:
            with torch.no_grad():
                model(x)
            return
        optimizer.zero_grad(set_to_none=True)
        x.grad = None
        F.mse_loss(model(x), target).backward()
        if size["work"] == 2:
            optimizer.step()

    return run


def language(mixture, size):
    model = LanguageModel(mixture, size)
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-5)
    tokens, targets = (torch.randint(size["vocabulary"], (size["batch"], size["length"])) for _ in range(2))

    def run():
        optimizer.zero_grad(set_to_none=True)
        model(tokens, targets).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 0.25)
        optimizer.step()

    return run


class Timed:
    """As measure.js."""

    def __init__(self, run, warm_ms):
        self.run, self.iterations = run, 1
        end = time.perf_counter() + warm_ms / 1e3
        while True:
            ms = self.repeat()
            if ms < 1:
                self.iterations = math.ceil(self.iterations * min(8, 1.2 / max(ms, 0.05)))
            elif time.perf_counter() >= end:
                break

    def repeat(self):
        start = CLOCK()
        for _ in range(self.iterations):
            self.run()
        return (CLOCK() - start) * 1e3

    def sample(self, budget_ms):
        times, end = [], time.perf_counter() + budget_ms / 1e3
        while True:
            times.append(self.repeat() / self.iterations)
            if time.perf_counter() >= end:
                return statistics.median(times)


def blas():
    """The libraries that the products run in, as the process has them mapped."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line or "libmkl" in line}
    return sorted(paths)


TASKS = {"product": product, "layer": layer, "language": language}
kept = {}
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["task"] == "about":
            reply = {"torch": torch.__version__, "blas": blas(), "threads": torch.get_num_threads()}
        else:
            key = json.dumps([request["contestant"], request["task"], request["sizes"]])
            if key not in kept:
                run = TASKS[request["task"]](MIXTURES[request["contestant"]], request["sizes"])
                kept[key] = Timed(run, request["warmMs"])
            reply = {"ms": kept[key].sample(request["budgetMs"])}
    except Exception as error:  # reported to the benchmark, which goes on without this one
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
