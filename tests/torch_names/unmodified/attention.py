"""Attention: masks, positions, an encoder, heads of one's own, and a few steps of training."""

import math
import torch
from torch import nn, Tensor
import torch.nn.functional as F
from torch.nn import TransformerEncoder, TransformerEncoderLayer
from typing import Optional, Tuple


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 500):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.pe[: x.size(0)]
        return self.dropout(x)


class TransformerModel(nn.Module):
    def __init__(self, ntoken: int, d_model: int, nhead: int, d_hid: int, nlayers: int, dropout: float = 0.5):
        super().__init__()
        self.model_type = "Transformer"
        self.pos_encoder = PositionalEncoding(d_model, dropout)
        encoder_layers = TransformerEncoderLayer(d_model, nhead, d_hid, dropout)
        self.transformer_encoder = TransformerEncoder(encoder_layers, nlayers)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, ntoken)
        self.init_weights()

    def init_weights(self) -> None:
        initrange = 0.1
        self.embedding.weight.data.uniform_(-initrange, initrange)
        self.linear.bias.data.zero_()
        self.linear.weight.data.uniform_(-initrange, initrange)

    def forward(self, src: Tensor, src_mask: Tensor = None) -> Tensor:
        src = self.embedding(src) * math.sqrt(self.d_model)
        src = self.pos_encoder(src)
        if src_mask is None:
            src_mask = nn.Transformer.generate_square_subsequent_mask(len(src))
        output = self.transformer_encoder(src, src_mask)
        output = self.linear(output)
        return output


def generate_square_subsequent_mask(sz: int) -> Tensor:
    return torch.triu(torch.ones(sz, sz) * float("-inf"), diagonal=1)


print(generate_square_subsequent_mask(4))
print(nn.Transformer.generate_square_subsequent_mask(3))
m = TransformerModel(20, 8, 2, 16, 2, 0.0)
for i, (n, p) in enumerate(m.named_parameters()):
    with torch.no_grad():
        p.copy_(torch.sin(torch.arange(p.numel()).float() * 1.1 + i).view(p.shape) * 0.3)
print([n for n, _ in m.named_modules()][:6])


def batchify(data: Tensor, bsz: int) -> Tensor:
    seq_len = data.size(0) // bsz
    data = data[: seq_len * bsz]
    data = data.view(bsz, seq_len).t().contiguous()
    return data


train_data = batchify(torch.arange(200) % 17, 4)
bptt = 7


def get_batch(source: Tensor, i: int) -> Tuple[Tensor, Tensor]:
    seq_len = min(bptt, len(source) - 1 - i)
    data = source[i : i + seq_len]
    target = source[i + 1 : i + 1 + seq_len].reshape(-1)
    return data, target


criterion = nn.CrossEntropyLoss()
lr = 0.5
optimizer = torch.optim.SGD(m.parameters(), lr=lr)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.95)
for epoch in range(2):
    m.train()
    total = 0.0
    for batch, i in enumerate(range(0, train_data.size(0) - 1, bptt)):
        data, targets = get_batch(train_data, i)
        output = m(data)
        loss = criterion(output.view(-1, 20), targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 0.5)
        optimizer.step()
        total += loss.item()
    print(
        f"| epoch {epoch:3d} | lr {scheduler.get_last_lr()[0]:02.2f} | loss {total:5.3f} | ppl {math.exp(total / 7):8.2f}"
    )
    scheduler.step()
m.eval()
mask = torch.zeros(4, 7, dtype=torch.bool)
mask[0, 5:] = True
x = torch.sin(torch.arange(7 * 4 * 8).float()).view(7, 4, 8)
out = m.transformer_encoder(x, src_key_padding_mask=mask)
print(out[0, 0])
mha = nn.MultiheadAttention(8, 2, batch_first=True)
for i, p in enumerate(mha.parameters()):
    p.data = torch.cos(torch.arange(p.numel()).float() + i).view(p.shape) * 0.3
q = torch.sin(torch.arange(2 * 5 * 8).float()).view(2, 5, 8)
o, w = mha(q, q, q, key_padding_mask=torch.tensor([[False, False, False, True, True], [False] * 5]))
print(o[0, 0], w.shape, w[0, 0])
o, w = mha(q, q, q, attn_mask=nn.Transformer.generate_square_subsequent_mask(5), need_weights=False, is_causal=True)
print(o[1, 2], w)
print(F.scaled_dot_product_attention(q, q, q, is_causal=True)[0, 1])


class SelfAttention(nn.Module):
    def __init__(self, embed, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(embed, 3 * embed)
        self.register_buffer("bias", torch.tril(torch.ones(16, 16)).view(1, 1, 16, 16))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.qkv(x).split(C, dim=2)
        k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
        att = F.softmax(att, dim=-1)
        y = att @ v
        return y.transpose(1, 2).contiguous().view(B, T, C)


sa = SelfAttention(8, 2)
for p in sa.parameters():
    p.data = torch.linspace(-1, 1, p.numel()).view(p.shape)
print(sa(q)[0, 3])
tr = nn.Transformer(8, 2, 1, 1, 16, 0.0, batch_first=True)
for p in tr.parameters():
    nn.init.constant_(p, 0.05)
print(tr(q, q).shape, tr.generate_square_subsequent_mask(2))
x = torch.tensor([1.0, 2.0])
x = x / x.norm(dim=-1, keepdim=True)
print(x)
freqs = 1.0 / (10000 ** (torch.arange(0, 8, 2)[:4].float() / 8))
print(torch.outer(torch.arange(3).float(), freqs))
print(
    F.gelu(q)[0, 0, :3], F.silu(q)[0, 0, :3], F.layer_norm(q, (8,))[0, 0, :3], nn.GELU(approximate="tanh")(q)[0, 0, :3]
)
print(
    torch.rsqrt(torch.tensor(4.0)), torch.repeat_interleave(torch.tensor([1, 2]), 2), torch.tensor([1, 2]).repeat(2, 2)
)
