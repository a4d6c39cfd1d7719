/**
 * Hold to show: as long as the key of `cloze.triggerInline` is held, the suggestion is there; let go, and it is gone. A tap
 * shows it as a command does, and it stays. Editors tell neither that a key repeats nor that it is let go, only that it was
 * pressed once more, so both are read off the times of the presses:
 * - A press is close to the one before it within CLOSE; then the key may be repeating. People tap more slowly, but for the
 *   fastest, and systems repeat faster (every 30 to 40 ms, macOS 90), but at unusual settings.
 * - A key is held once REPEATS presses in a row were close, after the longer pause that every system makes before its first
 *   repetition (200 to 1000 ms, up to 2 s where keys are slowed down for the hand). Quick taps have no such pause; MANY
 *   of them in a row nobody makes: these came together from a busy window.
 * - A held key was let go when it has not been pressed for LET_GO. If its last press was not close, it was a tap just after
 *   letting go: what that shows stays.
 * - A timer that is late, or a key that repeats on after it seemed let go, without a new pause, says that presses arrive in
 *   bunches: they are waited for longer.
 * Where all this leaves a doubt, as with a key that repeats more slowly than CLOSE, presses are taps: a suggestion too many
 * costs an Escape, one that goes while it is read costs trust.
 */

/** All in milliseconds, but for the numbers of presses. */
const CLOSE = 150;
const LONGEST_PAUSE = 2000;
const REPEATS = 3;
const MANY = 8;
const LET_GO = 250;
const LONGEST_LET_GO = 1000;
/** A timer this much behind its time has been kept waiting, and so have the presses that came meanwhile. */
const LATE = 50;
/** A held key's press may come so many times later than they do on average, but in any case so late, and still be close. */
const UNEVEN = 3;
const CLOSE_ANYWAY = 80;

export interface Hold {
  /** The key was pressed, or repeats. */
  pressed(): void;
  /** The text was changed, as by taking the suggestion: what is shown from now on does not hang on the key. */
  changed(): void;
  dispose(): void;
}

export interface HoldParts {
  show(): void;
  hide(): void;
  /** Whether the suggestion stays only while the key is held; told with false when it was let go. */
  held(on: boolean): void;
}

export function createHold({ show, hide, held }: HoldParts): Hold {
  let timer: NodeJS.Timeout | undefined;
  let last = Number.NEGATIVE_INFINITY;
  /** Close presses in a row, and since when: the press before the first of them. */
  let close = 0;
  let since = 0;
  /** Whether these followed a pause as before a first repetition, and whether that pause made the key seem let go. */
  let paused = false;
  let seemedLetGo = false;
  let hidden = false;
  /** Presses since the key is known to be held; none while it is not. */
  let repeats = 0;
  let patience = LET_GO;

  function wait(): void {
    clearTimeout(timer);
    const due = performance.now() + patience;
    timer = setTimeout(() => (performance.now() - due > LATE ? wait() : letGo()), patience);
  }

  function end(): void {
    clearTimeout(timer);
    repeats = 0;
    held(false);
  }

  function letGo(): void {
    end();
    hidden = close > 0;
    if (hidden) hide();
  }

  function begin(): void {
    repeats = close;
    patience = seemedLetGo ? Math.min(2 * patience, LONGEST_LET_GO) : LET_GO;
    held(true);
    wait();
  }

  return {
    pressed() {
      const now = performance.now();
      const gap = now - last;
      if (repeats > 0) {
        const average = (last - since) / repeats++;
        close = gap <= Math.min(CLOSE, Math.max(CLOSE_ANYWAY, UNEVEN * average)) ? close + 1 : 0;
        wait();
      } else if (gap <= CLOSE) {
        close++;
        if (close >= (paused ? REPEATS : MANY)) begin();
      } else {
        close = 0;
        since = now;
        paused = gap <= LONGEST_PAUSE;
        seemedLetGo = paused && hidden;
        hidden = false;
        show();
      }
      last = now;
    },
    changed: () => void (repeats > 0 && end()),
    dispose: () => clearTimeout(timer),
  };
}
