import { expect, it } from 'vitest';
import { diagnosticsReport } from '../../../extension/diagnostics-report.ts';

it('a report holds versions, states and numbers, and no name of the user', () => {
  const report = diagnosticsReport({
    versions: { Cloze: '1.2.3' },
    machine: { threads: 4 },
    status: {
      state: 'failed',
      model: '',
      device: 'native',
      message: '/home/someone/models has no config.json',
      lastLatency: 12.3,
    },
    settings: { 'cloze.model.path': '/home/someone/models', 'cloze.threads': 2 },
    languages: { typescript: 3 },
    trusted: true,
    home: '/home/someone',
  });
  expect(report).not.toContain('someone');
  expect(report.split('\n')).toEqual([
    '### Versions',
    '- Cloze: 1.2.3',
    '',
    '### Machine',
    '- threads: 4',
    '',
    '### Model',
    '- state: failed',
    '- device: native',
    '- message: ~/models has no config.json',
    '- last call, ms: 12',
    '',
    '### Settings that are not the default',
    '- cloze.model.path: ~/models',
    '- cloze.threads: 2',
    '',
    '### Open documents by language',
    '- typescript: 3',
    '',
    '### Workspace',
    '- trusted: true',
    '',
  ]);
});
