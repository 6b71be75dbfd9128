/**
 * Text that came from outside, made fit for a log line, a header or an error body: printable ASCII only, so nothing can
 * start a new line or move a terminal's cursor.
 */

const printable = /^[\x20-\x7e]*$/;
const unprintable = /[^\x20-\x7e]/g;

/** `text` with everything outside printable ASCII as `?`, cut at `maxChars`. Returns `text` itself when nothing is wrong with it. */
export function toPrintable(text: string, maxChars: number): string {
  const cut = text.length > maxChars ? text.slice(0, maxChars) : text;
  return printable.test(cut) ? cut : cut.replace(unprintable, '?');
}
