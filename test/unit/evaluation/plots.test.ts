import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plotRunCommand } from '../../../engine/cli/plot-run.ts';
import { calibrationsOf } from '../../../engine/evaluation/calibration.ts';
import { shareOf } from '../../../engine/evaluation/intervals.ts';
import { linearScale, logScale } from '../../../engine/evaluation/plots/axes.ts';
import { reliabilityDiagram } from '../../../engine/evaluation/plots/reliability.ts';
import { runCurves } from '../../../engine/evaluation/plots/run-curves.ts';
import { shareBars } from '../../../engine/evaluation/plots/share-bars.ts';
import { drawing, label, line } from '../../../engine/evaluation/plots/svg.ts';
import type { LogEntry } from '../../../engine/training/run-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-plots-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every element is closed in its order, and no sign of markup is left in the texts. */
function checkWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replace(/<(\/?)([a-z]+)((?: [a-zA-Z0-9:-]+="[^"<>]*")*)(\/?)>/g, (_, closing, name, __, alone) => {
    if (closing) expect(open.pop()).toBe(name);
    else if (!alone) open.push(name);
    return '';
  });
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot|#39);)/);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
}

const bars = [
  {
    name: 'rest of line',
    bars: [
      { name: 'model', share: shareOf(60, 200), isModel: true },
      { name: 'a <copy> & "more"', share: shareOf(3, 200), isModel: false },
    ],
  },
];

describe('scales', () => {
  it.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 0.36, [0, 0.1, 0.2, 0.3, 0.4]],
    [2.3, 9.7, [2, 4, 6, 8, 10]],
    [5, 5, [5, 5.2, 5.4, 5.6, 5.8, 6]],
  ])('%d to %d has round ticks', (from, to, ticks) => {
    expect(linearScale(from, to).ticks.map((tick) => Number(tick.toFixed(9)))).toEqual(ticks);
  });

  it('places values between the ends', () => {
    const scale = linearScale(0, 10);
    expect([0, 5, 10, 99].map(scale.place)).toEqual([0, 0.5, 1, 1]);
    const powers = logScale(0.5, 200);
    expect(powers.ticks).toEqual([0.1, 1, 10, 100, 1000]);
    expect(powers.place(1)).toBeCloseTo(0.25);
    expect(powers.place(0)).toBe(0);
  });
});

describe('drawings', () => {
  it('escape texts, and leave out what XML cannot hold', () => {
    const svg = drawing(10, 10, 'a < b & c', '"quoted"', [label('</text>\u0000\ud800😀', 1.23456, -0)]);
    checkWellFormed(svg);
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg).toContain('&lt;/text&gt;\ufffd\ufffd😀');
    expect(svg).toContain('x="1.23" y="0"');
    expect(() => line(0, Number.NaN, 1, 1, 'axis')).toThrow('NaN');
  });

  it('have colours for light and for dark pages', () => {
    const svg = shareBars('Bars', bars);
    const [light, dark] = svg.split('@media(prefers-color-scheme:dark)');
    for (const name of ['.page', '.grid', '.axis', '.interval', '.s0', '.f5']) {
      expect(light).toContain(`${name}{`);
      expect(dark).toContain(`${name}{`);
    }
  });
});

describe('bars', () => {
  it('are as long as their shares, with their intervals in words', () => {
    const svg = shareBars('Exact match', bars);
    checkWellFormed(svg);
    expect(svg).toContain('30.0 (24.1 to 36.7)');
    expect(svg).toContain('a &lt;copy&gt; &amp; &quot;more&quot;');
    const widths = [...svg.matchAll(/<rect x="250" y="[\d.]+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toHaveLength(2);
    // 60 and 3 of 200 hits.
    expect((widths[0] as number) / (widths[1] as number)).toBeCloseTo(20, 1);
    expect(shareBars('Exact match', bars)).toBe(svg);
  });

  it('are refused where there are none', () => {
    expect(() => shareBars('Nothing', [])).toThrow('nothing to draw');
  });
});

describe('a reliability diagram', () => {
  it('has a point for every bin that holds tasks', () => {
    const answers = [0.05, 0.55, 0.55, 0.95].map((confidence, index) => ({
      kind: 'line',
      confidence,
      probability: confidence,
      isExact: index > 1,
    }));
    const svg = reliabilityDiagram('Calibration', calibrationsOf(answers, 1));
    checkWellFormed(svg);
    // Two panels, three bins, a point and its middle.
    expect(svg.match(/<circle/g)).toHaveLength(12);
    expect(svg.match(/class="guide"/g)).toHaveLength(2);
  });
});

const entries = (count: number, spike = -1): LogEntry[] =>
  Array.from({ length: count }, (_, step) => ({
    step,
    tokens: (step + 1) * 8000,
    loss: 4 + 5 / (1 + step),
    learningRate: 1e-3,
    gradientNorm: step === spike ? 900 : 1,
    tokensPerSecond: 9000,
    ...(step % 100 === 99 ? { heldOut: 4.5 } : {}),
  }));

describe('curves of runs', () => {
  it('draw each run in its colour, held-out losses as dots', () => {
    const svg = runCurves('Training', [
      { name: 'plain', entries: entries(1000, 500) },
      { name: 'shrunk', entries: entries(300) },
    ]);
    checkWellFormed(svg);
    expect(svg.match(/<path [^>]*class="s0 curve"/g)).toHaveLength(2);
    expect(svg.match(/<path [^>]*class="s1 curve"/g)).toHaveLength(2);
    expect(svg.match(/<circle/g)).toHaveLength(13);
    expect(svg).toContain('plain: 1000 steps, 8.0 M tokens');
    // The axis of the spike; buckets must not have averaged it away.
    expect(svg).toContain('>1000</text>');
    expect(svg.length).toBeLessThan(60_000);
  });

  it('keep the place of a spike', () => {
    const svg = runCurves('Training', [{ name: 'run', entries: entries(5000, 2500) }]);
    const [, norm] = [...svg.matchAll(/<path d="([^"]*)Z" class="f0 band"/g)].map(([, data]) => data as string);
    const tops = [...(norm as string).matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    const [highest] = tops.toSorted((a, b) => (a[1] as number) - (b[1] as number));
    // 2501 of 5000 steps, on an axis from 64 to 736 that ends at 40 M tokens.
    expect(highest?.[0]).toBeCloseTo(64 + (672 * 20) / 40, -1);
  });

  it('leave out what overflowed, and refuse an empty log', () => {
    const broken = entries(10).map((entry) => (entry.step === 5 ? { ...entry, loss: Number.NaN } : entry));
    checkWellFormed(runCurves('Training', [{ name: 'run', entries: broken }]));
    expect(() => runCurves('Training', [{ name: 'run', entries: [] }])).toThrow('no step');
  });

  it('are written by the command, from the logs of the runs', async () => {
    writeFileSync(
      join(folder, 'log.jsonl'),
      entries(3)
        .map((entry) => `${JSON.stringify(entry)}\n`)
        .join(''),
    );
    const svg = join(folder, 'run.svg');
    expect(await plotRunCommand([folder, '--svg', svg, '--title', 'A & B'])).toBe(0);
    const text = readFileSync(svg, 'utf8');
    checkWellFormed(text);
    expect(text).toContain('A &amp; B');
    await expect(plotRunCommand([join(folder, 'none'), '--svg', svg])).rejects.toThrow(/no log\.jsonl with a step/);
  });
});
