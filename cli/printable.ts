/** Text of others on its way to a terminal. */

/**
 * Control characters (Cc) but line feed and tab, some of which start sequences that terminals obey; and of those for
 * formatting (Cf) the ones that change the order in which text is shown.
 */
const CONTROLS = /(?![\n\t])\p{Cc}|\p{Bidi_Control}/gu;

/**
 * SECURITY: what a step prints, throws or returns could move the cursor, rename the window or answer for the keyboard. What
 * would is shown as an escape. Carriage returns before a line feed are dropped.
 */
export function printable(text: string): string {
  return escapeControls(text.replaceAll('\r\n', '\n'));
}

/** As JSON and JavaScript escape them. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same, in one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
