/** The ways in which a device fails the language server, as its environment and settings bring them about. */
export interface BadDevice {
  runtime: string;
  env: Record<string, string>;
  /** What the user is told. */
  told: RegExp;
}

/** `host` is the bundled `dying-host.ts`. */
export function badDevices(host: string): Record<string, BadDevice> {
  const bad = { CLOZE_ONNX_HOST: host };
  return {
    // No machine has both.
    'a provider that is not there': {
      runtime: process.platform === 'darwin' ? 'onnx-dml' : 'onnx-coreml',
      env: {},
      told: /cannot be used: .* The model runs on native/,
    },
    'a driver that aborts when it is tried': {
      runtime: 'onnx-cpu',
      env: bad,
      told: /onnx-cpu cannot be used: it was ended by SIGABRT\. The model runs on native/,
    },
    'a device that is lost at the 100th step': {
      runtime: 'onnx-cpu',
      env: { ...bad, CLOZE_TEST_FAILS_AT: '100' },
      told: /onnx-cpu failed: the device was lost\. The model runs on native/,
    },
    'a worker that is killed': {
      runtime: 'onnx-cpu',
      env: { ...bad, CLOZE_TEST_DIES_AT: '30' },
      told: /onnx-cpu failed: its worker ended with code 7\. The model runs on native/,
    },
  };
}
