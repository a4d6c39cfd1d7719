/**
 * Hold to show: as long as the key of `cloze.triggerInline` is held, the suggestion is there; let go, and it is gone. A tap
 * shows it as a command does. Editors do not tell when a key is let go, but a held key repeats: when it no longer does,
 * it was let go.
 */

/** Milliseconds within which the first repetition of a held key comes, and each of the others, as systems have them. */
const FIRST_REPEAT = 700;
const NEXT_REPEAT = 250;

export interface Hold {
  /** The key was pressed, or repeats. */
  pressed(): void;
  dispose(): void;
}

export interface HoldParts {
  show(): void;
  hide(): void;
  /** Whether the suggestion stays while it is looked at; told with false when the key was let go. */
  held(on: boolean): void;
}

export function createHold({ show, hide, held }: HoldParts): Hold {
  let timer: NodeJS.Timeout | undefined;
  let repeats = 0;

  function released(): void {
    const wasHeld = repeats > 0;
    timer = undefined;
    repeats = 0;
    if (!wasHeld) return;
    held(false);
    hide();
  }

  return {
    pressed() {
      if (timer === undefined) show();
      else if (++repeats === 1) held(true);
      clearTimeout(timer);
      timer = setTimeout(released, repeats > 0 ? NEXT_REPEAT : FIRST_REPEAT);
    },
    dispose: () => clearTimeout(timer),
  };
}
