/** Hostile programs. Isolation is tried where this machine allows namespaces. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { checkConfinement, trialProgram } from '../../../engine/evaluation/execution/confinement.ts';
import { findPython, type Interpreter } from '../../../engine/evaluation/execution/interpreter.ts';
import { isolatedCommand } from '../../../engine/evaluation/execution/isolation.ts';
import { executionLimits } from '../../../engine/evaluation/execution/limits.ts';
import { type Confinement, runPython } from '../../../engine/evaluation/execution/run-python.ts';

// A busy machine decides nothing: only what never ends is stopped by the clock.
vi.setConfig({ testTimeout: 120_000 });

const python = await findPython('python3').catch(() => undefined);
// The size is a mark by which processes that were left behind can be found.
const limits = {
  ...executionLimits,
  cpuSeconds: 1,
  wallSeconds: 60,
  fileSize: 1_000_000 + process.pid,
  output: 100_000,
};
/** Asked of the system itself, so that isolation that is broken here fails and is not left out. */
function namespacesAreAllowed(): boolean {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const mount = ['mount', '-t', 'tmpfs', 'none', '/tmp'];
  return spawnSync('unshare', [...user, '--mount', '--net', '--pid', '--fork', '--', ...mount]).status === 0;
}

const confinements: Confinement[] = [];
if (python) confinements.push('unprotected');
if (python && namespacesAreAllowed()) confinements.push('isolated');

const run = (confinement: Confinement, program: string, more: Partial<typeof limits> = {}) =>
  runPython(program, { python: python as Interpreter, confinement, limits: { ...limits, ...more } });

const folder = mkdtempSync(join(tmpdir(), 'cloze-execution-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Command lines of programs of this file that are still there. */
function leftBehind(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(`FSIZE=${limits.fileSize}`));
}

const nobodyIsLeft = () => expect.poll(leftBehind, { timeout: 30_000 }).toEqual([]);

describe.each(confinements)('a program, %s', (confinement) => {
  it.each([
    ['the end of a right program', 'def f():\n    return 1\nassert f() == 1', 'passed', ''],
    ['a failing test', 'assert 1 == 2', 'failed', 'AssertionError'],
    ['a syntax error', 'def f(:', 'failed', 'SyntaxError: invalid syntax'],
    ['an early exit', 'import sys\nsys.exit(0)', 'failed', 'exit code 0'],
    ['an exit without clean-up', 'import os\nos._exit(0)', 'failed', 'exit code 0'],
    ['a guess at the secret', 'import os\nos.write(3, b"passed")\nos._exit(0)', 'failed', 'exit code 0'],
    ['an endless loop', 'while True: pass', 'failed', 'killed by signal 9'],
    ['endless recursion', 'def f(): f()\nf()', 'failed', 'RecursionError: maximum recursion depth exceeded'],
    ['much memory at once', 'bytearray(1 << 40)', 'failed', 'MemoryError'],
    ['much memory by and by', 'kept = []\nwhile True: kept.append(bytearray(1 << 24))', 'failed', 'MemoryError'],
    ['a large file', 'open("large", "wb").write(bytes(1 << 21))', 'failed', 'OSError: [Errno 27] File too large'],
    ['its own folder', 'open("a", "x").write("b")\nassert open("a").read() == "b"', 'passed', ''],
    ['its own folder again', 'open("a", "x")', 'passed', ''],
    ['standard input', 'import sys\nassert sys.stdin.read() == ""', 'passed', ''],
    ['a process of its own', 'import os\nassert os.waitpid(os.fork() or os._exit(0), 0)[1] == 0', 'passed', ''],
  ])('%s', async (_, program, result, detail) => {
    const outcome = await run(confinement, program);
    expect(outcome).toMatchObject({ result });
    expect(outcome.detail).toContain(detail);
  });

  it('is stopped by the clock when it only waits', async () => {
    const outcome = await run(confinement, 'import time\ntime.sleep(1000)', { wallSeconds: 1 });
    expect(outcome.result).toBe('time');
    await nobodyIsLeft();
  });

  it('is stopped when it writes without end, on either stream', async () => {
    for (const stream of ['stdout', 'stderr']) {
      const outcome = await run(confinement, `import sys\nwhile True: sys.${stream}.write("x" * 65536)`);
      expect(outcome.result).toBe('output');
    }
    await nobodyIsLeft();
  });

  it('sees no variable of this process', async () => {
    process.env.CLOZE_TEST_SECRET = 'secret';
    const outcome = await run(confinement, 'import os\nassert "CLOZE_TEST_SECRET" not in os.environ');
    delete process.env.CLOZE_TEST_SECRET;
    expect(outcome.result).toBe('passed');
  });

  it('ends when it is called off', async () => {
    const stop = new AbortController();
    const running = runPython('import time\ntime.sleep(1000)', {
      python: python as Interpreter,
      confinement,
      limits,
      signal: stop.signal,
    });
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
    await nobodyIsLeft();
  });
});

describe.runIf(confinements.includes('isolated'))('isolation', () => {
  it('bounds a fork bomb and leaves nobody behind', async () => {
    const count = `
import os, time
children = 0
try:
    while True:
        if os.fork() == 0: time.sleep(1000)
        children += 1
except BlockingIOError:
    raise SystemExit(f"stopped after {children}")`;
    const outcome = await run('isolated', count);
    const children = Number(/^stopped after (\d+)$/.exec(outcome.detail)?.[1]);
    expect(children).toBeLessThan(limits.processes);
    const stubborn = 'import os\nwhile True:\n    try: os.fork()\n    except OSError: pass';
    expect((await run('isolated', stubborn, { wallSeconds: 2 })).result).not.toBe('passed');
    await nobodyIsLeft();
  });

  it('ends what left the process group and forgot its parent', async () => {
    const daemon = `
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()`;
    expect((await run('isolated', daemon)).result).toBe('passed');
    expect((await run('isolated', `${daemon}\nos.setsid()\ntime.sleep(1000)`, { wallSeconds: 1 })).result).toBe('time');
    await nobodyIsLeft();
  });

  it('ends when the process that started it is killed', async () => {
    const { executable } = python as Interpreter;
    const sleep = [executable, '-I', '-S', '-c', 'import time\ntime.sleep(1000)', `FSIZE=${limits.fileSize}`];
    const [file, args] = isolatedCommand(python as Interpreter, sleep, process.getuid?.() === 0);
    const start = `require('node:child_process').spawn(${JSON.stringify(file)}, ${JSON.stringify(args)}, { detached: true })`;
    const starter = spawn(process.execPath, ['-e', `${start}; setInterval(() => {}, 1000)`], { stdio: 'ignore' });
    const asleep = () => leftBehind().some((line) => line.startsWith(executable));
    await expect.poll(asleep, { timeout: 30_000 }).toBe(true);
    starter.kill('SIGKILL');
    await nobodyIsLeft();
  });

  it('shows no file of this machine and lets none be written', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret');
    const read = await run('isolated', `open(${JSON.stringify(secret)}).read()`);
    expect(read.detail).toContain('FileNotFoundError');
    for (const place of [folder, '/usr', '/usr/lib', (python as Interpreter).prefix]) {
      const file = join(place, `cloze-written-${process.pid}`);
      const written = await run('isolated', `open(${JSON.stringify(file)}, "w").write("x")`);
      const isThere = existsSync(file);
      rmSync(file, { force: true });
      expect([file, isThere, written.result]).toEqual([file, false, 'failed']);
    }
    const list = await run('isolated', 'import os\nraise SystemExit(" ".join(sorted(os.listdir("/"))))');
    for (const name of ['proc', 'etc', 'home', 'tmp', 'sys', 'var']) {
      expect(list.detail.split(' ')).not.toContain(name);
    }
  });

  it('reaches no network, not even this machine', async () => {
    let met = 0;
    const server = createServer((socket) => {
      met++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const program = `import socket\nsocket.create_connection(("127.0.0.1", ${port}), 5)`;
    // Without isolation the same program does reach it: the test can fail.
    expect((await run('unprotected', program)).result).toBe('passed');
    expect(met).toBe(1);
    const outcome = await run('isolated', program);
    await new Promise((resolve) => server.close(resolve));
    expect(outcome).toMatchObject({ result: 'failed', detail: 'OSError: [Errno 101] Network is unreachable' });
    expect(met).toBe(1);
  });

  it('gives no way back to privileges', async () => {
    const outcome = await run(
      'isolated',
      `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mount(b"none", b"/box", b"tmpfs", 0, None) != 0, "mount"
assert libc.umount2(b"/usr", 2) != 0, "umount"
assert libc.chroot(b"/usr") != 0, "chroot"
try:
    os.kill(1, 9)
except PermissionError: pass
try:
    os.setuid(0 if os.getuid() else 1)
    assert False, "setuid"
except OSError: pass`,
    );
    expect(outcome).toEqual({ result: 'passed', detail: '' });
  });

  it('holds what it promises, and says it', async () => {
    const { confinement, promises } = await checkConfinement(python as Interpreter, 'isolated', limits);
    expect(confinement).toBe('isolated');
    expect(promises.join('\n')).toMatch(/no network[\s\S]*read-only[\s\S]*1 s of processor time/);
  });
});

describe('where something is missing', () => {
  it('says so when there is no Python', async () => {
    await expect(findPython('no-such-python')).rejects.toThrow(/no-such-python cannot run them: it is not installed/);
  });

  it.runIf(python)('refuses to run what it cannot isolate', async () => {
    // An interpreter that the new root does not show.
    const elsewhere = { ...(python as Interpreter), executable: join(folder, 'python3') };
    await expect(checkConfinement(elsewhere, 'isolated', limits)).rejects.toThrow(
      /cannot be isolated here: [\s\S]*--execution none[\s\S]*--execution unprotected/,
    );
  });

  it.runIf(python)('names the first promise that does not hold', async () => {
    const trials = trialProgram(python as Interpreter, 'isolated', limits);
    const outcome = await run('unprotected', trials);
    expect(outcome).toEqual({ result: 'failed', detail: 'AssertionError: the network can be reached' });
    const stricter = { ...limits, cpuSeconds: limits.cpuSeconds - 1 };
    const limited = await run('unprotected', trialProgram(python as Interpreter, 'unprotected', stricter));
    expect(limited.detail).toBe('AssertionError: processor time is not limited');
  });

  it('makes a user namespace for everyone but root', () => {
    const interpreter = { executable: '/opt/python/bin/python3', prefix: '/opt/python', version: '3' };
    const [file, user] = isolatedCommand(interpreter, ['/opt/python/bin/python3'], false);
    expect(file).toBe('setpriv');
    expect(user).toEqual(expect.arrayContaining(['--user', '--map-root-user', '--net', '--pid', '--mount', 'same']));
    expect(user.slice(user.indexOf('same') + 1)).toContain('/opt/python');
    const [, root] = isolatedCommand(interpreter, ['/opt/python/bin/python3'], true);
    expect(root).not.toContain('--user');
    expect(root).toContain('nobody');
  });
});
