#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torch_train.py - the training step of bench_train_am's Conformers in PyTorch, to compare with.

    python3 tests/bench/torch_train.py [width [threads [steps]]]

Prints the same TSV line: network, precision, threads, milliseconds a step (median), processor milliseconds a step, seconds
of audio per second, GFLOP/s (left out), peak resident MB, loss. One line on standard error when there is no PyTorch.
The network is plain: macaron feed-forwards, attention with biases u and v and a table of positions as in WeNet, batch
norm, subsampling by 4, CTC. Clips are of equal length, so no masks are needed: the easiest case for a padded batch.
"""
import math
import resource
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    sys.exit("# skipped: no PyTorch (Debian: python3-torch, libopenblas0-openmp)")

CLIPS, FRAMES, FEATURES, LABELS, VOCABULARY, HEADS, LAYERS, KERNEL, DROPOUT = 8, 998, 80, 40, 4300, 4, 12, 15, 0.1


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.inner, self.outer = nn.LayerNorm(width), nn.Linear(width, 8 * width), nn.Linear(8 * width, width)

    def forward(self, x):
        inner = F.dropout(F.silu(self.inner(self.norm(x))), DROPOUT, self.training)
        return F.dropout(self.outer(inner), DROPOUT, self.training)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.position = nn.Linear(width, width, bias=False)
        self.u, self.v = (nn.Parameter(torch.zeros(HEADS, 1, width // HEADS)) for _ in range(2))

    def heads(self, x):
        return x.view(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)

    def forward(self, x, positions):
        x = self.norm(x)
        q, k, v, p = (self.heads(f(y)) for f, y in ((self.query, x), (self.key, x), (self.value, x),
                                                    (self.position, positions)))
        scores = ((q + self.u) @ k.transpose(2, 3) + (q + self.v) @ p.transpose(2, 3)) / math.sqrt(q.shape[-1])
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        return F.dropout(self.out(y), DROPOUT, self.training)


class Convolution(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.before, self.norm = nn.LayerNorm(width), nn.BatchNorm1d(width)
        self.gates = nn.Conv1d(width, 2 * width, 1)
        self.taps = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, x):
        y = F.glu(self.gates(self.before(x).transpose(1, 2)), 1)
        y = self.out(F.silu(self.norm(self.taps(y))))
        return F.dropout(y.transpose(1, 2), DROPOUT, self.training)


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.attention = FeedForward(width), Attention(width)
        self.convolution, self.second, self.norm = Convolution(width), FeedForward(width), nn.LayerNorm(width)

    def forward(self, x, positions):
        x = x + 0.5 * self.first(x)
        x = x + self.attention(x, positions)
        x = x + self.convolution(x)
        return self.norm(x + 0.5 * self.second(x))


class Conformer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.subsample = nn.Sequential(nn.Conv2d(1, width, 3, 2), nn.ReLU(), nn.Conv2d(width, width, 3, 2), nn.ReLU())
        self.embed = nn.Linear(width * (((FEATURES - 1) // 2 - 1) // 2), width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY)

    def positions(self, rows):
        place = torch.arange(rows).unsqueeze(1)
        angle = place * torch.exp(torch.arange(0, self.width, 2) * (-math.log(10000) / self.width))
        return torch.stack((angle.sin(), angle.cos()), 2).reshape(1, rows, self.width)

    def forward(self, x):
        y = self.subsample(x.unsqueeze(1))
        y = self.embed(y.transpose(1, 2).flatten(2)) * math.sqrt(self.width)
        y, positions = F.dropout(y, DROPOUT, self.training), self.positions(y.shape[1])
        for layer in self.layers:
            y = layer(y, positions)
        return self.head(self.norm(y))


def main():
    width, threads, steps = (int(a) for a in (sys.argv[1:] + ["256", "2", "5"][len(sys.argv) - 1:]))
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = Conformer(width)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01)
    x = torch.randn(CLIPS, FRAMES, FEATURES)
    targets = torch.randint(1, VOCABULARY, (CLIPS, LABELS))
    wall, processor, value = [], [], 0.0
    for step in range(-1, steps):
        first, begin = time.monotonic(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        log_probs = net(x).log_softmax(-1).transpose(0, 1)
        rows = torch.full((CLIPS,), log_probs.shape[0], dtype=torch.long)
        loss = F.ctc_loss(log_probs, targets, rows, torch.full((CLIPS,), LABELS, dtype=torch.long), reduction="sum")
        (loss / CLIPS).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        value = loss.item()
        if step >= 0:
            wall.append(1e3 * (time.monotonic() - first))
            processor.append(1e3 * (time.process_time() - begin))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ms = statistics.median(wall)
    print(f"torch-conformer{width}\tf32\t{threads}\t{ms:.1f}\t{statistics.median(processor):.1f}\t"
          f"{CLIPS * 1e4 / ms:.1f}\t-\t{peak:.0f}\t{value:.4f}")


main()
