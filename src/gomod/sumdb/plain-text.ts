/** Whether notes and records may hold `text`: valid Unicode, and no control characters below the blank but newlines. */
export function isPlainText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== NEWLINE) return false;
  }
  return text.isWellFormed();
}

const NEWLINE = 0x0a;
