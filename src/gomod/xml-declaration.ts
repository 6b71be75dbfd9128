import { textOfBytes } from './go-text.ts';
import { isNamed, type Span, XmlFault } from './xml-cursor.ts';

/** What stands in `<?xml ...?>` must be a version and a charset that can be read: 1.0, and UTF-8 or ASCII. Throws XmlFault. Other instructions may say what they like. */
export function checkDeclaration(bytes: Uint8Array, target: Span, content: Span): void {
  if (!isNamed(bytes, target, 'xml') || bytes.subarray(target.start, target.end).some((byte) => byte < 0x61)) return;
  const text = textOfBytes(bytes.subarray(content.start, content.end));
  const version = parameterOf(text, 'version');
  if (version !== '' && version !== '1.0') throw new XmlFault('XML of a version other than 1.0');
  const charset = parameterOf(text, 'encoding').toLowerCase();
  if (charset !== '' && charset !== 'utf-8' && charset !== 'ascii')
    throw new XmlFault('XML in a charset other than UTF-8 and ASCII');
}

/** The value of the first `name="..."` or `name='...'`; empty when there is none. */
function parameterOf(text: string, name: string): string {
  const assignment = `${name}=`;
  for (let at = text.indexOf(assignment); at >= 0; at = text.indexOf(assignment, at)) {
    const quote = text[at + assignment.length] ?? '';
    const start = at + assignment.length + 1;
    if (quote !== '"' && quote !== "'") {
      at = start;
      continue;
    }
    const end = text.indexOf(quote, start);
    return end < 0 ? '' : text.slice(start, end);
  }
  return '';
}
