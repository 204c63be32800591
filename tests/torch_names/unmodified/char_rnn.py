"""A character RNN: names of three kinds told apart by a hand-written cell, and an LSTM that continues a text."""

import random
import string
import time

import torch
import torch.nn as nn

all_letters = string.ascii_lowercase + " "
n_letters = len(all_letters)
names = {
    "latin": ["marcus", "lucius", "gaius", "titus", "julius", "quintus", "decimus", "sextus"],
    "slavic": ["ivanov", "petrov", "smirnov", "popov", "sokolov", "lebedev", "kozlov", "novikov"],
    "finnish": ["aaltonen", "virtanen", "korhonen", "nieminen", "makinen", "laine", "heikkinen", "koskinen"],
}
categories = list(names)


def letter_to_tensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for i, letter in enumerate(line):
        tensor[i][0][all_letters.index(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        return self.softmax(self.h2o(hidden)), hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


def category_from_output(output):
    top_n, top_i = output.topk(1)
    return categories[top_i[0].item()]


torch.manual_seed(0)
random.seed(0)
rnn = RNN(n_letters, 32, len(categories))
criterion = nn.NLLLoss()
learning_rate = 0.05


def train(category_tensor, line_tensor):
    hidden = rnn.init_hidden()
    rnn.zero_grad()
    for i in range(line_tensor.size()[0]):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()


start = time.time()
current_loss = 0
for step in range(1, 401):
    category = random.choice(categories)
    line = random.choice(names[category])
    target = torch.tensor([categories.index(category)], dtype=torch.long)
    output, loss = train(target, letter_to_tensor(line))
    current_loss += loss
    if step % 100 == 0:
        print(f"{step} {time.time() - start:.0f}s {loss:.4f} {line} / {category_from_output(output)}")
with torch.no_grad():
    right = 0
    for category in categories:
        for line in names[category]:
            hidden = rnn.init_hidden()
            for letter in letter_to_tensor(line):
                output, hidden = rnn(letter, hidden)
            right += category_from_output(output) == category
assert right >= 20, right


class CharLSTM(nn.Module):
    def __init__(self, n_chars, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(n_chars, 12)
        self.lstm = nn.LSTM(12, hidden, num_layers=1, batch_first=True)
        self.out = nn.Linear(hidden, n_chars)

    def forward(self, x, state=None):
        y, state = self.lstm(self.embed(x), state)
        return self.out(y), state


text = "the cat sat on the mat and the dog sat on the log "
stoi = {c: i for i, c in enumerate(sorted(set(text)))}
itos = {i: c for c, i in stoi.items()}
data = torch.tensor([stoi[c] for c in text * 4])
model = CharLSTM(len(stoi))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(60):
    i = torch.randint(0, len(data) - 33, (8,))
    x = torch.stack([data[j : j + 32] for j in i])
    y = torch.stack([data[j + 1 : j + 33] for j in i])
    logits, _ = model(x)
    loss = loss_fn(logits.reshape(-1, logits.size(-1)), y.reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
model.eval()
out, state = [stoi["t"]], None
with torch.no_grad():
    for _ in range(30):
        logits, state = model(torch.tensor([[out[-1]]]), state)
        probs = torch.softmax(logits[0, -1] / 0.5, dim=-1)
        out.append(torch.multinomial(probs, num_samples=1).item())
print("".join(itos[i] for i in out))
assert loss.item() < 1.0
print("char rnn:", right >= 20)
