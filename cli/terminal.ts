/** What is shown where somebody looks. */
import { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

type Style = Extract<Parameters<typeof styleText>[0], string>;

/** As Node decides for itself: FORCE_COLOR, then NO_COLOR and NODE_DISABLE_COLORS, then whether it is a terminal. */
function hasColours(stream: NodeJS.WriteStream): boolean {
  if (process.env.FORCE_COLOR === undefined && !stream.isTTY) return false;
  return WriteStream.prototype.getColorDepth.call(stream) > 2;
}

/** Puts text into colours, or leaves it. */
export type Paint = (style: Style, text: string) => string;

function painter(stream: NodeJS.WriteStream): Paint {
  // Newer versions of Node would look at stdout, whichever stream it is for.
  const force = { validateStream: false };
  const withOptions: (style: Style, text: string, options: object) => string = styleText;
  return hasColours(stream) ? (style, text) => withOptions(style, text, force) : (_, text) => text;
}

export const paintOut = painter(process.stdout);
export const paintErr = painter(process.stderr);
