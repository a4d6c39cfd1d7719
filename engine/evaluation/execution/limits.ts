/** What a program under test may use. */
export interface ExecutionLimits {
  /** Processor seconds of each process. */
  cpuSeconds: number;
  /** Seconds by the clock, after which the program and everything that it started is killed. */
  wallSeconds: number;
  /** Address space of each process, bytes. */
  memory: number;
  /** Largest file, bytes. */
  fileSize: number;
  /** Processes and threads at a time. */
  processes: number;
  /** Bytes of standard output and error together, after which everything is killed. */
  output: number;
}

/** HumanEval's own limit is 3 seconds by the clock; a busy machine must not decide, so 3 seconds of processor time. */
export const executionLimits: ExecutionLimits = {
  cpuSeconds: 3,
  wallSeconds: 20,
  memory: 512 * 2 ** 20,
  fileSize: 4 * 2 ** 20,
  processes: 8,
  output: 1 << 20,
};

/** `RLIMIT_` names with their values, for `setrlimit(2)`. macOS knows no limit of the address space. */
export function resourceLimits(limits: ExecutionLimits, platform: NodeJS.Platform): [name: string, value: number][] {
  return [
    ['CPU', limits.cpuSeconds],
    ...(platform === 'darwin' ? [] : ([['AS', limits.memory]] as [string, number][])),
    ['FSIZE', limits.fileSize],
    ['NPROC', limits.processes],
    ['NOFILE', 64],
    ['CORE', 0],
  ];
}
