const MAX_SHOWN = 160;

/**
 * Attacker-controlled `text` as it may stand in a message: quoted, printable ASCII in one line, at most about 160 characters of it.
 */
export function shown(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  return JSON.stringify(cut).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
