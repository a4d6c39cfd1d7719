/** A trace made by hand: x1 blank x2, filled with `ab`, of which `a` was typed; hostile text where `text` is given. */
import type { FillTrace } from '../../../language-server/protocol.ts';

export function sampleTrace(text = 'x'): FillTrace {
  const blank = 1;
  return {
    format: 1,
    model: `model ${text}`,
    device: `device ${text}`,
    partA: [
      { id: 10, text, position: 0, blockPosition: 0 },
      { id: 1, text: '', special: '[sMASK]', position: 1, blockPosition: 0 },
      { id: 11, text, position: 2, blockPosition: 0 },
    ],
    partB: [
      {
        id: 2,
        text: '',
        special: '<|startofpiece|>',
        blank,
        origin: 'start',
        row: 'held',
        position: 1,
        blockPosition: 1,
      },
      { id: 12, text: 'a', blank, origin: 'forced', row: 'held', position: 1, blockPosition: 2, logProbability: -1.5 },
      {
        id: 13,
        text,
        blank,
        origin: 'predicted',
        row: 'fed',
        position: 1,
        blockPosition: 3,
        logProbability: -0.25,
        fromDocument: 0.3,
        trust: 0.4,
        rivals: [{ id: 14, text, logProbability: -2, fromDocument: 0.1 }],
      },
      {
        id: 3,
        text: '',
        special: '<|endofpiece|>',
        blank,
        origin: 'predicted',
        row: 'unfed',
        logProbability: -0.125,
        rivals: [],
        ends: true,
      },
    ],
    separator: 3,
    spans: [{ blank, text, finish: 'eop', confidence: 0.8 }],
    partARead: 'earlier',
    timings: { tokenize: 1, read: 0, extend: 3, total: 5 },
  };
}
