/** What the editor's own language services say about names near the cursor, as a client passes it on. Checked, and bounded. */
import type { Declaration } from './neighbours.ts';
import { type DeclarationsParams, LONGEST_DECLARATION, MOST_DECLARATIONS } from './protocol.ts';

/** Documents of which declarations are kept. */
const MOST_DOCUMENTS = 20;

export interface Declarations {
  tell(params: Partial<DeclarationsParams> | null): void;
  of(uri: string): readonly Declaration[];
  forget(uri: string): void;
}

export function createDeclarations(): Declarations {
  /** The document that was told of last comes last. */
  const known = new Map<string, Declaration[]>();
  return {
    tell(params) {
      const uri = params?.textDocument?.uri;
      if (typeof uri !== 'string' || !Array.isArray(params?.declarations)) return;
      known.delete(uri);
      known.set(uri, params.declarations.filter(isDeclaration).slice(0, MOST_DECLARATIONS).map(shortened));
      const [oldest] = known.keys();
      if (known.size > MOST_DOCUMENTS && oldest !== undefined) known.delete(oldest);
    },
    of: (uri) => known.get(uri) ?? [],
    forget: (uri) => void known.delete(uri),
  };
}

function isDeclaration(given: unknown): given is Declaration {
  const { uri, text } = Object(given) as Partial<Declaration>;
  return typeof uri === 'string' && typeof text === 'string' && text.trim() !== '';
}

/** Up to a line's end. */
function shortened({ uri, text }: Declaration): Declaration {
  if (text.length <= LONGEST_DECLARATION) return { uri, text };
  const cut = text.slice(0, LONGEST_DECLARATION);
  return { uri, text: cut.includes('\n') ? cut.slice(0, cut.lastIndexOf('\n')) : cut };
}
