import { describe, expect, it } from 'vitest';
import { arrange, paradigms } from '../../../engine/objective/paradigms.ts';
import { escaped, svgOf } from '../../../media/lens/svg.ts';
import { passageOf } from '../../../media/lens/view.ts';
import { sampleTrace } from './trace.ts';

const HOSTILE = '</text><script>alert(1)</script><img src=x onerror="x">&\'\u202e\u200b\0\ud800]]>';
const drawn = (text: string, paradigm: (typeof paradigms)[number] = 'glm') => {
  const trace = sampleTrace(text);
  return svgOf(trace, arrange(paradigm, passageOf(trace)), 2);
};
/** Names of all elements. */
const elements = (svg: string) => new Set(Array.from(svg.matchAll(/<([a-z]+)/gi), ([, name]) => name));

describe('the picture', () => {
  it.each(paradigms)('as %s holds text and nothing that a file could bring in', (paradigm) => {
    const svg = drawn(HOSTILE, paradigm);
    expect([...elements(svg)].toSorted()).toEqual(['defs', 'path', 'pattern', 'rect', 'svg', 'text', 'title']);
    expect(svg).not.toMatch(/<[^>]*\son\w+=/);
    expect(svg).not.toMatch(/href|url\((?!#forced)/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not be there.
    expect(svg).not.toMatch(/[\u0000-\u0008\u202e\u200b\ud800]/u);
    expect(svg.match(/<text /g)?.length).toBe(svg.match(/<\/text>/g)?.length);
  });

  it('says what the trace says', () => {
    const svg = drawn('x');
    for (const said of [
      '1 / 3',
      '77.9 %',
      '77.9 % (30.0 % of it from the document)',
      '13.5 % (10.0 % of it from the document)',
      'Here each step of the span had 1 token before the blank and 1 token after it in view.',
      'forced',
      'cached from an earlier fill',
      '5.0 ms in all',
      'model x',
    ]) {
      expect(svg).toContain(said);
    }
  });

  it('draws one stretch for every row of a GLM, and one more for every row of the span', () => {
    const paths = Array.from(drawn('x').matchAll(/<path fill="(#\w+)" d="([^"]*)"/g), ([, colour, d = '']) => [
      colour,
      d.split('z').length - 1,
    ]);
    expect(paths).toEqual([
      ['#1a6fb5', 3],
      ['#b5651d', 3],
      ['#2e7d32', 3],
    ]);
  });
});

it('escapes markup, and replaces what XML cannot hold', () => {
  expect(escaped('<a b="c">&\'')).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#39;');
  expect(escaped('\u0001\ud800\uffff😀')).toBe('\ufffd\ufffd\ufffd😀');
});
