/** docs/int4.md: what `cloze lab quantization` found, in Markdown. Nothing on it but what was measured and its scale. */
import type { Estimate } from '../../evaluation/intervals.ts';
import { between, table } from '../../evaluation/markdown-table.ts';
import { lawOf, verdicts } from './claims.ts';
import { bitsPerByte, costDifference, costOf, modelsOf, pairsOf } from './costs.ts';
import { NATIVE_FORMATS, nativeName } from './judge.ts';
import type { LabModel, LabResult } from './lab.ts';
import { FAMILIES } from './recipes.ts';
import { bitsPerWeight, SCHEMES, schemeName } from './schemes.ts';
import { MATRIX_KINDS } from './weights.ts';

export interface LabAbout {
  /** As a shell would take it. */
  command: string;
  commit?: string;
  fingerprint: string;
  machine: string;
  tokens: number;
  seed: number;
}

const NAMES = [...SCHEMES.map(schemeName), ...NATIVE_FORMATS.map(nativeName)];
/** Those of which both recipes are compared, and which get a line in the table of laws. */
const COMPARED = [
  'int8 absmax by row',
  'int4 absmax by row',
  'int4 search by row',
  'int4 zero-point by row',
  'int4 hqq by row',
  'int4 absmax by 32',
  'int4 hqq by 32',
  'native int4 by 32',
];

export function labReport(result: LabResult, about: LabAbout): string {
  const { models, bytes } = result;
  const total = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0);
  const frequencies = (total(result.frequencies) / total(bytes)).toFixed(4);
  const beside = models.filter(({ family }) => family === 'beside');
  const trained = models.filter(({ family }) => family !== 'beside');
  return `${[
    '# What 8 and 4 bits cost, by size',
    '',
    'Written by the command below; do not edit. Models of several sizes of two recipes see the same samples in the same order;',
    'then the matrices of their layers are quantised in every way that is named, and bits per byte of held-out text are',
    'measured again.',
    '',
    '```sh',
    about.command,
    '```',
    '',
    ...scale(trained, about, bytes),
    '',
    '## The papers’ claims',
    '',
    ...table(
      ['claim', 'here', 'what was found'],
      verdicts(result).map(({ claim, verdict, found }) => [claim, `**${verdict}**`, found]),
    ),
    '',
    '## The models',
    '',
    ...table(
      ['model', 'parameters in the matrices', 'in all', 'tokens seen', 'bits per byte, whole (95 %)'],
      models.map((model) => [
        model.name,
        thousands(model.quantised),
        thousands(model.parameters),
        `${model.tokens === undefined ? '' : thousands(model.tokens)}${model.from ? ` after ${model.from}` : ''}`,
        between(bitsPerByte(model, bytes), (x) => x.toFixed(4)),
      ]),
    ),
    '',
    `The frequencies of tokens alone, whatever the context, come to ${frequencies} bits per byte: what a model lies below it, it has`,
    'learned. A model that has learned little has little to lose, and its costs say little of one that was trained for long.',
    '',
    ...(beside.length === 0
      ? []
      : [
          '`embedded` is the model that ships: another recipe (pre-LayerNorm, GeGLU, Muon in place of AdamW within the layers,',
          'layers repeated from a shallower one) and far more tokens, so it stands beside the fits and not in them.',
          '',
        ]),
    '## The cost',
    '',
    'Bits per thousand bytes more than the whole model’s, with 95 % intervals by bootstrap over the documents. `absmax`,',
    '`search`, `zero-point` and `hqq` change the weights alone and are computed in float32; `absmax` by row, 32 and 64',
    'gives the values of our quantised files to the bit. `native` is the runtime itself: whole numbers of 8 bits for activations too,',
    'embedding and head of 8 bits. It has `absmax` alone; the other methods, and groups of 128, exist only here. A group is',
    'never longer than a row. The intervals know of other documents only: the rounding of a model by a scheme is one draw of',
    'errors, so that a cost near 0 can come out below 0, and one of a few tenths can be told from 0 and yet be chance.',
    '',
    ...FAMILIES.flatMap((family) => costTable(modelsOf(models, family), bytes, `${family} recipe`)),
    ...(beside.length === 0 ? [] : costTable(beside, bytes, 'the model that ships')),
    '![Cost against size](figures/int4-law.svg)',
    '',
    '## Against size',
    '',
    'cost = factor × parameters^-exponent by least squares on logarithms, parameters being those of the matrices; intervals by',
    'bootstrap over the documents, so they say nothing of other seeds. “None” where a cost cannot be told from nothing.',
    '',
    ...table(
      ['scheme', ...FAMILIES.flatMap((family) => [`exponent, ${family} (95 %)`, 'R²'])],
      COMPARED.map((scheme) => [
        scheme,
        ...FAMILIES.flatMap((family) => {
          const law = lawOf(result, family, scheme);
          return law ? [between(law.exponent, (x) => x.toFixed(2)), law.rSquared.toFixed(2)] : ['none', ''];
        }),
      ]),
    ),
    '',
    '## One recipe against the other',
    '',
    'Cost of the glm recipe less that of the bloom recipe at the same size, text by text, in bits per thousand bytes: below 0 the',
    'glm recipe stands the scheme better.',
    '',
    ...table(
      ['scheme', ...pairsOf(models).map(([glm]) => glm.name.replace(/^glm-/, ''))],
      COMPARED.map((scheme) => [
        scheme,
        ...pairsOf(models).map(([glm, bloom]) => thousandths(costDifference([glm, scheme], [bloom, scheme], bytes))),
      ]),
    ),
    '',
    '## The weights',
    '',
    'For each kind of matrix, means over the layers: largest weight of a row in the row’s root mean squares (absmax by row',
    'has to span it), excess kurtosis, and the relative error that INT4 absmax by row leaves in the weights.',
    '',
    ...table(
      ['model', ...MATRIX_KINDS],
      models.map(({ name, spreads }) => [
        name,
        ...spreads.map(
          ({ rowOutermost, kurtosis, int4Error }) =>
            `${rowOutermost.toFixed(2)}, ${kurtosis.toFixed(2)}, ${(100 * int4Error).toFixed(1)} %`,
        ),
      ]),
    ),
    '',
    '![Weights of the largest models](figures/int4-weights.svg)',
  ].join('\n')}\n`;
}

function scale(trained: readonly LabModel[], about: LabAbout, bytes: readonly number[]): string[] {
  const counts = trained.map(({ quantised }) => quantised);
  const text = bytes.reduce((sum, x) => sum + x, 0);
  return [
    `**Scale.** ${trained.length} models of ${thousands(Math.min(...counts))} to ${thousands(Math.max(...counts))} parameters in the matrices, ${thousands(about.tokens)} tokens each, one`,
    `seed (${about.seed}); ${bytes.length} held-out documents, ${text} bytes predicted. The papers’ models have 110 million to 176 billion parameters and`,
    'saw hundreds of billions of tokens: what holds here need not hold there, nor the other way round. The recipes differ in',
    'form alone: glm has GeGLU and rotary positions, bloom GELU, learned positions and a norm on the embedding. Not as in the',
    'papers: both are pre-LayerNorm (DeepNorm learns too slowly in so few steps, docs/decisions/0005), both fill blanks (BLOOM',
    'is causal), and the figures are bits per byte of our held-out code after a [gMASK], not LAMBADA.',
    '',
    `Corpus ${about.fingerprint.slice(0, 12)}; ${about.commit ? `commit ${about.commit}; ` : ''}${about.machine}.`,
  ];
}

function costTable(models: readonly LabModel[], bytes: readonly number[], title: string): string[] {
  const widest = models.at(-1)?.width ?? 0;
  const schemes = new Map(SCHEMES.map((scheme) => [schemeName(scheme), scheme]));
  return [
    ...table(
      [title, 'bits a weight', ...models.map(({ name }) => name)],
      NAMES.map((name) => {
        const scheme = schemes.get(name);
        return [
          name,
          scheme ? bitsPerWeight(scheme, widest).toFixed(2) : '',
          ...models.map((model) => thousandths(costOf(model, name, bytes))),
        ];
      }),
    ),
    '',
  ];
}

function thousandths(estimate: Estimate): string {
  return between(estimate, (x) => {
    const text = (1000 * x).toFixed(Math.abs(1000 * x) < 10 ? 2 : 1);
    return text === '-0.00' ? '0.00' : text;
  });
}

function thousands(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} k` : `${(count / 1e6).toFixed(2)} M`;
}
