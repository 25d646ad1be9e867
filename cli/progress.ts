/** A line that is written over and over, on a terminal only. */
import { clearLine, cursorTo } from 'node:readline';

export interface Progress {
  show(text: string): void;
  /** Takes it away. */
  end(): void;
}

export function progress(): Progress {
  const { stderr } = process;
  const clear = (): void => {
    if (!stderr.isTTY) return;
    cursorTo(stderr, 0);
    clearLine(stderr, 0);
  };
  return {
    show(text) {
      clear();
      if (stderr.isTTY) stderr.write(text.slice(0, stderr.columns - 1));
    },
    end: clear,
  };
}
