/** Whether `path` begins with the elements of `prefix`: `a.b/c` with `a.b`, not with `a.b/cc`. Every path does with the empty one; a `prefix` with a slash at its end needs more of a path than itself. */
export function hasPathPrefix(path: string, prefix: string): boolean {
  if (prefix === '' || path === prefix) return true;
  if (!path.startsWith(prefix) || path.length === prefix.length) return false;
  return prefix.endsWith('/') || path[prefix.length] === '/';
}

/** Of rows that are each about a module and those below it, the one that speaks for `path`: the one with the longest path. */
export function rowFor<Row extends { readonly module: string }>(rows: readonly Row[], path: string): Row | undefined {
  const fitting = rows.filter((row) => hasPathPrefix(path, row.module));
  return fitting.toSorted((a, b) => b.module.length - a.module.length)[0];
}

/** `path` (slash-separated, relative) in its shortest form, empty for `.`; undefined when it climbs out of where it starts, or is absolute. */
export function cleanedInside(path: string): string | undefined {
  if (path.startsWith('/')) return undefined;
  const kept: string[] = [];
  for (const element of path.split('/')) {
    if (element === '' || element === '.') continue;
    if (element !== '..') kept.push(element);
    else if (kept.pop() === undefined) return undefined;
  }
  return kept.join('/');
}
