#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lm_torch.py - language models trained by tingxie and by PyTorch from the same weights, for the same steps on the same text.

    python3 tests/bench/lm_torch.py PROGRAM TEXT [STEPS]

TEXT has a sentence of hanzi a line: every fifth is measured on, the others, all in one batch, are trained on. The first weights are
tingxie's. Prints a TSV line for each network: kind, perplexity by tingxie, by PyTorch, by how many percent the first is above the second,
seconds of both. One line on standard error when there is no PyTorch.
"""
import math
import os
import struct
import subprocess
import sys
import tempfile
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    sys.exit("# skipped: no PyTorch (Debian: python3-torch, libopenblas0-openmp)")

RATE, BETAS, EPS, CLIP = 3e-3, (0.9, 0.98), 1e-9, 1.0
KINDS = {"lstm": "width: 64, hidden: 128, layers: 2", "gpt": "width: 64, layers: 3, heads: 4, context: 64"}


def read_gguf(path):
    """Keys and tensors (F32 and I32) of a model file."""
    data = open(path, "rb").read()
    at = 0

    def take(form):
        nonlocal at
        value = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value[0] if len(value) == 1 else value

    def text():
        nonlocal at
        length = take("Q")
        at += length
        return data[at - length:at].decode()

    forms = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def value(kind):
        if kind == 8:
            return text()
        if kind == 9:
            kind, count = take("I"), take("Q")
            return [value(kind) for _ in range(count)]
        return take(forms[kind])

    assert data[:4] == b"GGUF"
    at = 8
    tensors, keys = take("Q"), take("Q")
    found = {}
    for _ in range(keys):
        name = text()
        found[name] = value(take("I"))
    infos = []
    for _ in range(tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))][::-1]
        infos.append((name, shape, take("I"), take("Q")))
    align = found.get("general.alignment", 32)
    base = (at + align - 1) // align * align
    out = {}
    for name, shape, kind, offset in infos:
        assert kind == 0, name
        count = math.prod(shape)
        out[name] = torch.frombuffer(bytearray(data[base + offset:base + offset + 4 * count]), dtype=torch.float32).reshape(shape)
    return found, out


class Lstm(nn.Module):
    def __init__(self, tokens, width=64, hidden=128, layers=2):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(tokens, width), nn.LSTM(width, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, tokens)

    def forward(self, ids):
        return self.linear(self.rnn(self.embedding(ids))[0])


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = nn.Module(), nn.Module()
        self.attn.c_attn, self.attn.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp.c_fc, self.mlp.c_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (y.view(batch, length, self.heads, -1).transpose(1, 2) for y in self.attn.c_attn(self.ln_1(x)).split(width, 2))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), -math.inf)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        x = x + self.attn.c_proj(y)
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, tokens, width=64, layers=3, heads=4, context=64):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(tokens, width), nn.Embedding(context, width)
        self.h, self.ln_f = nn.ModuleList(Block(width, heads) for _ in range(layers)), nn.LayerNorm(width)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.T


def batch_of(lines, ids):
    longest = max(map(len, lines)) + 1
    inputs, targets = torch.zeros(len(lines), longest, dtype=torch.long), torch.full((len(lines), longest), -1)
    for row, line in enumerate(lines):
        tokens = [1] + [ids.get(c, 0) for c in line] + [2]
        inputs[row, :len(tokens) - 1] = torch.tensor(tokens[:-1])
        targets[row, :len(tokens) - 1] = torch.tensor(tokens[1:])
    return inputs, targets


def loss_of(net, batch):
    logits = net(batch[0])
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), batch[1].reshape(-1), ignore_index=-1)


def train(net, steps, learnt):
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, betas=BETAS, eps=EPS, weight_decay=0)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(net, learnt).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        optimizer.step()


def tingxie(program, folder, text, kind, steps, rate):
    name = os.path.join(folder, f"{kind}-{steps}")
    with open(name + ".yaml", "w") as file:
        file.write(f"model: {{kind: {kind}, {KINDS[kind]}}}\ndata: {{tokens: 1000000}}\n"
                   f"train: {{steps: {steps}, warmup: 0, decay: 0, rate: {rate}, final: {rate}, average: 0, weight_decay: 0, clip: {CLIP}, "
                   f"beta1: {BETAS[0]}, beta2: {BETAS[1]}, eps: {EPS}, measure_every: {steps}}}\n"
                   f"tokens: {{rare: 1}}\nsources:\n  - {{name: learnt, file: {text}, leave_every: 5}}\n"
                   f"  - {{name: held, file: {text}, only_every: 5, measure: true}}\n")
    began = time.time()
    out = subprocess.run([program, "lm", "train", "-q", name + ".yaml", "-o", name + ".gguf"], check=True, capture_output=True, text=True)
    return name + ".gguf", float(out.stdout.split()[-1]), time.time() - began


def main():
    program, path, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 200
    lines = [line.strip() for line in open(path, encoding="utf-8")]
    held = lines[4::5]
    learnt = [line for i, line in enumerate(lines) if i % 5 != 4 and line not in set(held)]
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for kind, make in (("lstm", Lstm), ("gpt", Gpt)):
            first, _, _ = tingxie(program, folder, path, kind, 1, 0)
            _, own, own_seconds = tingxie(program, folder, path, kind, steps, RATE)
            keys, tensors = read_gguf(first)
            words = keys["tingxie.lm.tokens"]
            net = make(len(words))
            net.load_state_dict({name[3:]: tensor for name, tensor in tensors.items()})
            ids = {word: i for i, word in enumerate(words)}
            began = time.time()
            train(net, steps, batch_of(learnt, ids))
            seconds = time.time() - began
            with torch.no_grad():
                theirs = math.exp(loss_of(net, batch_of(held, ids)).item())
            print(f"{kind}\t{own:.3f}\t{theirs:.3f}\t{100 * (own / theirs - 1):+.2f} %\t{own_seconds:.1f}\t{seconds:.1f}", flush=True)


main()
