/** Characters that take two cells of a terminal: those of Chinese, Japanese and Korean, and their full-width marks. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/gu;

/** Labels, indented, and the texts beside them, aligned. Texts of several lines keep to their column. */
export function columns(rows: readonly (readonly [label: string, text: string])[]): string {
  const width = Math.max(...rows.map(([label]) => cells(label)));
  const lines = rows.map(([label, text]) => {
    const gap = ' '.repeat(width - cells(label) + 2);
    return `  ${label}${gap}${text.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`;
  });
  return lines.join('\n');
}

function cells(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}
