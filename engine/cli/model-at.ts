/** Which model fills at a place when a command line leaves it open. */
import { chosenFolder } from '../installed/registry.ts';
import { tunedFolder, tunedModelAt } from '../tuning/tuned-models.ts';
import { dataFolder, embeddedModel } from './environment.ts';

/** `asked` (a name or a folder), else the default of `cloze model`, else the one tuned on the file's project, else ours. */
export async function modelAt(file: string, asked: string | undefined): Promise<string> {
  const tuned = await tunedModelAt(tunedFolder(dataFolder()), file, embeddedModel());
  return chosenFolder(dataFolder(), asked, 'fill', tuned ?? embeddedModel());
}
