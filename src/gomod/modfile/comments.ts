import { fieldsOf, trimSpace } from '../go-text.ts';
import type { Block, Comment, Comments, Line } from './syntax.ts';

/** Whether the line carries `// indirect`, alone or as `// indirect; and why`. */
export function isIndirect(line: Line): boolean {
  const comment = line.suffix[0];
  if (comment === undefined) return false;
  const words = fieldsOf(withoutSlashes(comment));
  return words.length === 1 ? words[0] === 'indirect' : words[0] === 'indirect;';
}

/** The text of the comments above a line and after it, one line each; if it has none, of its block's. */
export function directiveComment(block: Block | undefined, line: Line): string {
  const isBare = line.before.length === 0 && line.suffix.length === 0;
  const { before, suffix }: Comments = isBare && block !== undefined ? block : line;
  if (before.length === 0 && suffix.length === 0) return '';
  const texts: string[] = [];
  for (const comment of [...before, ...suffix]) if (comment !== '') texts.push(trimSpace(withoutSlashes(comment)));
  return texts.join('\n');
}

/** The message of the first paragraph of `comment` that starts with `Deprecated:`, or undefined. */
export function deprecation(comment: string): string | undefined {
  const message = DEPRECATED.exec(comment)?.[1];
  return message === '' ? undefined : message;
}

const DEPRECATED = /(?:^|\n\n)Deprecated: *(.*?)(?:$|\n\n)/s;

function withoutSlashes(comment: Comment): string {
  return comment.slice('//'.length);
}
