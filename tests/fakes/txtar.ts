/** Text archives: a comment, then files, each after a line `-- name --`. */
export interface TextArchive {
  readonly files: readonly { readonly name: string; readonly content: string }[];
}

const MARKER = /^-- (.+) --$/;

/** The files of `text`, in order. The last line of a file gets its newline when it lacks one. */
export function parseTextArchive(text: string): TextArchive {
  const files: { name: string; content: string }[] = [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    const name = MARKER.exec(line.replace(/\r$/, ''))?.[1]?.trim();
    if (name !== undefined) files.push({ name, content: '' });
    else if (files.length > 0) files[files.length - 1]!.content += `${line}\n`; // there is one
  }
  return { files };
}
