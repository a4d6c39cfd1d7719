/** How the editor indents documents, as a client says it. Checked, and bounded. */
import type { IndentUnit } from './completion/indentation.ts';
import type { IndentationParams } from './protocol.ts';

/** Documents of which it is kept. */
const MOST_DOCUMENTS = 100;
const UNIT = /^(?:\t| {1,16})$/;

export interface Indentations {
  tell(params: Partial<IndentationParams> | null): void;
  of(uri: string): IndentUnit | undefined;
  forget(uri: string): void;
}

export function createIndentations(): Indentations {
  /** The document that was told of last comes last. */
  const known = new Map<string, IndentUnit>();
  return {
    tell(params) {
      const uri = params?.textDocument?.uri;
      const unit = params?.unit;
      if (typeof uri !== 'string' || typeof unit !== 'string' || !UNIT.test(unit)) return;
      known.delete(uri);
      known.set(uri, unit);
      const [oldest] = known.keys();
      if (known.size > MOST_DOCUMENTS && oldest !== undefined) known.delete(oldest);
    },
    of: (uri) => known.get(uri),
    forget: (uri) => void known.delete(uri),
  };
}
