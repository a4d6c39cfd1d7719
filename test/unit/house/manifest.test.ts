/** Keys that the manifest binds: none of the editor's own is taken where it means something else. */
import { expect, it } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };

const { keybindings, commands } = manifest.contributes;

it('Tab, Enter and the arrows stay what they are', () => {
  const keys = keybindings.flatMap((binding) => [binding.key, ...('mac' in binding ? [binding.mac] : [])]);
  expect(keys.length).toBeGreaterThan(4);
  for (const key of keys) expect(key).not.toMatch(/^(shift\+)?(tab|enter|space|left|right|up|down|backspace|delete)$/);
});

it('every key says when it counts, Escape only while a fill is looked at and nothing else is open', () => {
  for (const { command, key, when } of keybindings) {
    expect(when, `${key} of ${command}`).toMatch(/editorTextFocus|resourceScheme == cloze-/);
    if (key === 'escape') expect(when).toMatch(/cloze\.fillActive.*!suggestWidgetVisible.*!inlineSuggestionVisible/);
    if (key === 'alt+enter') expect(when).toMatch(/cloze\.(fillActive|held)|cloze-proposal/);
  }
});

it('every key runs a command that exists', () => {
  const known = new Set(commands.map(({ command }) => command));
  const own = keybindings.filter(({ command }) => command.startsWith('cloze.'));
  for (const { command } of own) expect(known).toContain(command);
});
