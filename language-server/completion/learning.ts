/**
 * The gate that learns: remembers how probable each suggestion was that went to the editor, hears what became of it, and
 * says how sure the model must be from now on. Keeps counts and nothing else.
 */
import type { InlineCompletionItem } from 'vscode-languageserver';
import { messageOf } from '../error-message.ts';
import type { Log } from '../log.ts';
import type { ClozeSettings, GateState, OutcomeParams } from '../protocol.ts';
import { aged, type Bin, evidence, learnedThreshold, noOutcomes, sumOf, withOutcome } from './gate.ts';
import { addToFile, readOutcomes, removeOutcomes } from './outcomes-file.ts';

/** Suggestions of which an outcome may still come. */
const MOST_GIVEN = 200;
const WRITE_AFTER = 5_000;

export interface Learning {
  threshold(): number;
  state(): GateState;
  /** A suggestion that goes to the editor, and the probability that all of it is right. */
  given(uri: string, item: InlineCompletionItem, probability: number): void;
  /** What a client says of one; what was never given, or has had its outcome, is no news. */
  outcome(params: Partial<OutcomeParams> | null): void;
  /** Counts are kept in this file from now on, and those in it are known. */
  keepIn(file: string): Promise<void>;
  forget(): Promise<void>;
  /** What is not written yet is written. */
  flush(): Promise<void>;
}

export function createLearning(settings: () => ClozeSettings, log: Log): Learning {
  /** Probabilities by the suggestion, the oldest first. */
  const given = new Map<string, number>();
  let known: readonly Bin[] = noOutcomes();
  /** Since the last writing. */
  let pending: readonly Bin[] = noOutcomes();
  let file: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const all = () => sumOf(known, pending);

  async function write(): Promise<void> {
    if (file === undefined || evidence(pending) === 0) return;
    const added = pending;
    pending = noOutcomes();
    try {
      known = await addToFile(file, added);
    } catch (error) {
      pending = sumOf(pending, added);
      log.error(`What was learned from suggestions could not be written: ${messageOf(error)}`);
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  }

  function threshold(): number {
    const { threshold: setting, adaptive } = settings().completion;
    return adaptive ? learnedThreshold(setting, all()) : setting;
  }

  return {
    threshold,
    state() {
      const bins = all();
      const taken = bins.reduce((sum, bin) => sum + bin.taken, 0);
      return {
        threshold: threshold(),
        setting: settings().completion.threshold,
        taken,
        left: evidence(bins) - taken,
      };
    },
    given(uri, item, probability) {
      const key = keyOf({ textDocument: { uri }, item });
      if (key === undefined) return;
      given.delete(key);
      given.set(key, probability);
      const [oldest] = given.keys();
      if (given.size > MOST_GIVEN && oldest !== undefined) given.delete(oldest);
    },
    outcome(params) {
      const key = keyOf(params);
      const probability = key === undefined ? undefined : given.get(key);
      const outcome = params?.outcome;
      if (key === undefined || probability === undefined || !settings().completion.adaptive) return;
      if (outcome !== 'accepted' && outcome !== 'partiallyAccepted' && outcome !== 'dismissed') return;
      given.delete(key);
      pending = withOutcome(pending, probability, outcome !== 'dismissed');
      if (file === undefined) [known, pending] = [aged(all()), noOutcomes()];
      else {
        timer ??= setTimeout(() => void flush(), WRITE_AFTER);
        timer.unref();
      }
    },
    async keepIn(path) {
      file = path;
      known = await readOutcomes(path);
    },
    async forget() {
      await flush();
      [known, pending] = [noOutcomes(), noOutcomes()];
      if (file !== undefined) await removeOutcomes(file);
    },
    flush,
  };
}

/** Whatever a client may have sent. */
function keyOf(params: { textDocument?: unknown; item?: unknown } | null): string | undefined {
  const { uri } = (params?.textDocument ?? {}) as { uri?: unknown };
  const { insertText, range } = (params?.item ?? {}) as Partial<InlineCompletionItem>;
  const { line, character } = range?.start ?? {};
  if (typeof uri !== 'string' || typeof insertText !== 'string' || line === undefined) return undefined;
  return JSON.stringify([uri, line, character, insertText]);
}
