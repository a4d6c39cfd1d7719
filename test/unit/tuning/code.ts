/** Source text of a toy project: much of it repeats from file to file, names and numbers differ. */
import { createRandom } from '../../../engine/objective/random.ts';

const NAMES = ['order', 'invoice', 'parcel', 'ticket'];

export function code(seed: number): string {
  const random = createRandom(seed);
  let text = '';
  for (let i = 0; i < 5; i++) {
    const name = NAMES[random.below(NAMES.length)] as string;
    text += `export function check${seed}x${i}(${name}: Record) {\n`;
    text += `  requireWarehouseAccess(${name}.owner);\n  return warehouse.lookup(${name}.identifier);\n}\n\n`;
  }
  return text;
}
