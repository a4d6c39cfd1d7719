/**
 * The same training step in PyTorch, in a Python process of its own that makes a step whenever it is told to: pre-LayerNorm
 * GLM with GeGLU and rotary 2-D positions, logits of the rows that count only, clipping, AdamW. `bfloat16` is PyTorch's own
 * mixed precision (autocast) over float32 weights.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LENGTH, OPTIMIZER, PART_A, type Work } from './work.ts';

export type TorchPrecision = 'float32' | 'bfloat16';

export interface TorchTrainer {
  /** Seconds of one step, by the clock and of all the process's threads together. */
  step(): Promise<{ wall: number; cpu: number }>;
  close(): void;
}

/** Debian's own interpreter: what is installed by apt is not seen by others. */
const PYTHON = '/usr/bin/python3';

/** Version and libraries. Throws an error that says what to install. */
export function torchVersion(): string {
  const script =
    'import torch; print(torch.__version__, "CPU capability " + torch.__config__.show().split("CPU capability usage: ")[1].split()[0])';
  try {
    return execFileSync(PYTHON, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    throw new Error(
      `${PYTHON} has no PyTorch. On Debian: apt-get install python3-torch libopenblas0-pthread (without OpenBLAS its products are many times slower).`,
    );
  }
}

export async function openTorch(
  { config, samples }: Work,
  precision: TorchPrecision,
  threads: number,
  folder: string,
): Promise<TorchTrainer> {
  const file = join(folder, 'step.py');
  writeFileSync(file, SCRIPT);
  const work = { ...config, samples, length: LENGTH, partA: PART_A, optimizer: OPTIMIZER, precision, threads };
  const environment = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
  const child: ChildProcess = spawn(PYTHON, [file, JSON.stringify(work)], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`The step in PyTorch (${precision}) ended with an error, which stands above.`);
    return value;
  };
  await answer();
  return {
    async step() {
      child.stdin?.write('step\n');
      return JSON.parse(await answer());
    },
    close() {
      child.stdin?.end();
    },
  };
}

const SCRIPT = `
import contextlib, json, math, sys, time
import torch
import torch.nn.functional as F

w = json.loads(sys.argv[1])
torch.manual_seed(1)
torch.set_num_threads(w["threads"])
C, H, L, I, V = w["hiddenSize"], w["heads"], w["layers"], w["innerSize"], w["vocabSize"]
D, B, T, A = C // H, w["samples"], w["length"], w["partA"]

place = torch.arange(T)
mask = torch.where((place[None, :] < A) | (place[None, :] <= place[:, None]), 0.0, float("-inf"))
half = D // 2
frequencies = 10000.0 ** (-torch.arange(0, half, 2) / half)

def angles(positions):
    turned = torch.outer(positions.float(), frequencies)
    turned = torch.cat([turned, turned], -1)
    return turned.cos()[None, :, None, :], turned.sin()[None, :, None, :]

tables = angles(place.clamp(max=A - 1)), angles((place - A + 1).clamp(min=0))

def turn(x):
    parts = []
    for part, (cos, sin) in zip(x.split(half, -1), tables):
        a, b = part.chunk(2, -1)
        parts.append(part * cos + torch.cat([-b, a], -1) * sin)
    return torch.cat(parts, -1)

class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(C), torch.nn.LayerNorm(C)
        self.qkv, self.dense = torch.nn.Linear(C, 3 * C), torch.nn.Linear(C, C)
        self.up, self.down = torch.nn.Linear(C, 2 * I), torch.nn.Linear(I, C)

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).view(B, T, H, 3 * D).split(D, -1)
        q, k, v = (t.transpose(1, 2) for t in (turn(q), turn(k), v))
        seen = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(D) + mask, -1).to(v.dtype) @ v
        x = x + self.dense(seen.transpose(1, 2).reshape(B, T, C))
        value, gate = self.up(self.norm2(x)).chunk(2, -1)
        return x + self.down(value * F.gelu(gate))

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(V, C)
        torch.nn.init.normal_(self.embedding.weight, std=0.02)
        self.layers = torch.nn.ModuleList(Layer() for _ in range(L))
        self.norm = torch.nn.LayerNorm(C)

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        logits = F.linear(self.norm(x[:, A:]).reshape(-1, C), self.embedding.weight)
        return F.cross_entropy(logits.float(), targets[:, A:].reshape(-1))

model = Model()
o = w["optimizer"]
optimizer = torch.optim.AdamW(model.parameters(), lr=o["learningRate"], betas=(o["beta1"], o["beta2"]),
                              eps=o["epsilon"], weight_decay=o["weightDecay"])
tokens, targets = torch.randint(V, (B, T)), torch.randint(V, (B, T))
mixed = w["precision"] == "bfloat16"
print("ready", flush=True)
for _ in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16) if mixed else contextlib.nullcontext():
        loss = model(tokens, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), o["clip"])
    optimizer.step()
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)
`;
