/** Finds out what protects this machine from the programs of a suite, by a program that tries each protection. */
import type { Interpreter } from './interpreter.ts';
import type { ExecutionLimits } from './limits.ts';
import { type Confinement, runPython } from './run-python.ts';

/** Tries what `unprotected` promises; each assertion names the promise that is broken. */
const COMMON_TRIALS = `
import os, resource, sys
known = {"HOME", "LANG", "PATH", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
assert set(os.environ) <= known, "variables of this process are inherited"
assert os.path.realpath(os.getcwd()) == os.path.realpath(os.environ["HOME"]), "the folder is not its own"
assert os.listdir(".") == [], "the folder is not empty"
assert resource.getrlimit(resource.RLIMIT_CPU)[1] == CPU, "processor time is not limited"
try:
    with open("large", "wb") as file: file.truncate(FILE_SIZE + 1)
    assert False, "the size of files is not limited"
except OSError: pass
if sys.platform != "darwin":
    try:
        bytearray(MEMORY)
        assert False, "memory is not limited"
    except MemoryError: pass
`;

/** Tries what `isolated` promises beyond that. */
const ISOLATION_TRIALS = `
import errno, signal, socket
try:
    socket.create_connection(("127.0.0.1", 9), 1)
    assert False, "the network can be reached"
except OSError as error:
    assert error.errno == errno.ENETUNREACH, "the network can be reached"
assert not os.path.exists("/proc") and not os.path.exists("/etc"), "files of this machine can be seen"
for folder in ("/usr", PREFIX):
    try:
        open(os.path.join(folder, "cloze-trial"), "w").close()
        os.unlink(os.path.join(folder, "cloze-trial"))
        assert False, folder + " can be written"
    except OSError: pass
try:
    socket.sethostname("trial")
    assert False, "capabilities are left"
except PermissionError: pass
assert os.getppid() == 1, "other processes can be seen"
children = []
try:
    while len(children) <= PROCESSES:
        child = os.fork()
        if child == 0: signal.pause()
        children.append(child)
    assert False, "the number of processes is not limited"
except BlockingIOError: pass
finally:
    for child in children: os.kill(child, signal.SIGKILL)
`;

const LIMITED = ({ cpuSeconds, wallSeconds, memory, fileSize, processes, output }: ExecutionLimits) =>
  `each process has ${cpuSeconds} s of processor time, ${memory / 2 ** 20} MiB of address space, files of at most ${fileSize / 2 ** 20} MiB; at most ${processes} processes and threads; everything is killed after ${wallSeconds} s or ${output / 2 ** 20} MiB of output`;

const PROMISES = {
  isolated: [
    'no network: a network namespace of its own in which no interface is up',
    'no files of this machine but the system’s programs and the interpreter, read-only: a root of its own with an empty folder in memory, at most 16 MiB',
    'no other processes, no /proc, no capabilities, no way to more privileges: namespaces for processes, IPC and host name',
    'no inherited environment variables',
  ],
  unprotected: [
    'NOT ISOLATED: programs run as this user, with the network and every file that the user may touch',
    'an empty folder of their own and no inherited environment variables',
  ],
} as const;

export interface Protection {
  confinement: Confinement;
  /** What holds, as sentences for the report; every one was tried. */
  promises: string[];
}

/** Throws an error that says which promise does not hold here, and what can be done. */
export async function checkConfinement(
  python: Interpreter,
  confinement: Confinement,
  limits: ExecutionLimits,
): Promise<Protection> {
  const { result, detail } = await runPython(trialProgram(python, confinement, limits), {
    python,
    confinement,
    limits,
  }).catch((error: Error) => ({ result: 'failed', detail: error.message }));
  if (result === 'passed') return { confinement, promises: [...PROMISES[confinement], LIMITED(limits)] };
  const reason = `${detail || result}`.replace(/^AssertionError: /, '');
  if (confinement === 'unprotected') throw new Error(`Programs cannot be run with limits here: ${reason}.`);
  throw new Error(
    `This suite runs programs that a model has completed, and they cannot be isolated here: ${reason}. Isolation needs Linux with util-linux (unshare, setpriv) and leave to make namespaces: as root, or with user namespaces enabled (some systems and containers forbid them). Run it where that holds, compare texts only with --execution none, or, on a machine that you can lose, give --execution unprotected: that keeps limits of time, memory, processes and output, an empty folder and an empty environment, but leaves files and network open.`,
  );
}

/** A Python program that fails at the first promise that is broken where it runs, with that promise as its error. */
export function trialProgram({ prefix }: Interpreter, confinement: Confinement, limits: ExecutionLimits): string {
  const values = {
    CPU: limits.cpuSeconds,
    FILE_SIZE: limits.fileSize,
    MEMORY: limits.memory,
    PROCESSES: limits.processes,
    PREFIX: prefix,
  };
  const constants = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
  return constants.join('') + COMMON_TRIALS + (confinement === 'isolated' ? ISOLATION_TRIALS : '');
}
