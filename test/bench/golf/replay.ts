/** Replays of the same holes under different settings, through the pipeline of the language server. */
import { createHash } from 'node:crypto';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { loadEngine } from '../../../engine/index.ts';
import type { Fill, FillOptions, Passage } from '../../../engine/infill/fill.ts';
import { createPipeline } from '../../../language-server/completion/pipeline.ts';
import type { Completed } from '../../../language-server/engine-host.ts';
import type { ClozeSettings } from '../../../language-server/protocol.ts';
import { defaultSettings } from '../../../language-server/settings.ts';
import type { Hole } from './holes.ts';
import { type Person, type Score, typeAgain } from './typist.ts';

/** What differs from the defaults of the settings, and of the engine's layout. */
export interface Variant {
  completion?: Partial<ClozeSettings['completion']>;
  beforeShare?: number;
  leastKeys?: number;
  /** Another rule than the pipeline's own for what is not worth showing: what it leaves of a fill. */
  gate?: Gate;
}

export type Gate = (fill: Fill) => Fill;

export interface Replay {
  model: string;
  device: string;
  /** One score for each hole. */
  run(holes: readonly Hole[], variant: Variant, person?: Person): Promise<Score[]>;
  /** Calls of the model so far; what was filled before is not filled again. */
  calls(): number;
  dispose(): Promise<void>;
}

const silent = { level: 'off' as const, error() {}, info() {}, debug() {} };

/** `base`: settings of inline completion in place of the defaults, wherever a variant has none of its own. */
export async function openReplay(
  modelFolder: string,
  threads: number,
  base: Partial<ClozeSettings['completion']> = {},
): Promise<Replay> {
  const engine = await loadEngine({ modelFolder, threads });
  /** By passage and options, the limit of certainty left out: what was written up to a lower one serves a higher one. */
  const known = new Map<string, { least: number; fill: Fill }>();
  let calls = 0;

  const host = (beforeShare: number | undefined, gate: Gate) => ({
    async fill(passage: Passage, options: FillOptions): Promise<Completed> {
      const asked = beforeShare === undefined ? passage : { ...passage, beforeShare };
      const key = createHash('sha1')
        .update(JSON.stringify([asked, { ...options, least: 0 }]))
        .digest('base64');
      const { least = 0 } = options;
      const before = known.get(key);
      if (before && before.least <= least) return { fill: gate(before.fill), others: [], waiting: 0 };
      const fill = await engine.fill(asked, options);
      calls++;
      known.set(key, { least, fill });
      return { fill: gate(fill), others: [], waiting: 0 };
    },
  });

  async function typeHole(
    hole: Hole,
    { completion, beforeShare, leastKeys, gate = (fill) => fill }: Variant,
    person: Person,
  ): Promise<Score> {
    // No time limit: then nothing depends on how fast or busy the machine is.
    const settings = {
      ...defaultSettings,
      completion: { ...defaultSettings.completion, timeLimit: 0, ...base, ...completion },
    };
    let document: TextDocument | undefined;
    const pipeline = createPipeline({
      documents: { get: () => document, all: () => (document ? [document] : []) },
      host: host(beforeShare, gate),
      settings: () => settings,
      pathOf: () => hole.path,
      quiet: { reason: () => undefined },
      log: silent,
      ...(leastKeys === undefined ? {} : { leastKeys }),
    });
    const hold = (next: TextDocument) => {
      document = next;
    };
    return typeAgain({ hole, uri: `file:///${encodeURI(hole.path)}`, pipeline, hold, person });
  }

  return {
    model: engine.name,
    device: engine.device,
    async run(holes, variant, person = 'careful') {
      const scores: Score[] = [];
      for (const hole of holes) scores.push(await typeHole(hole, variant, person));
      return scores;
    },
    calls: () => calls,
    dispose: () => engine.dispose(),
  };
}
