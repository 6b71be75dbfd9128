import { optionsAsNames } from './hostile-repositories.ts';

/** Names as module paths and versions have them on the wire. */
export function escapedName(name: string): string {
  return encodeURIComponent(name.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`));
}

/** Raw request targets, most of them malformed. */
export function hostileTargets(file: string): readonly string[] {
  const words = [
    ...optionsAsNames(`touch\${IFS}${file}`, file),
    ...['--upload-pack', '-oProxyCommand', '--config', '--template', '--separate-git-dir', '--reference', '-S'].map(
      (option) => `${option}=touch ${file}`,
    ),
    'ext::sh -c touch% x',
    'file:///etc/passwd',
    'http://169.254.169.254/',
    '../../../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    '.git/config',
    'HEAD@{0}',
    'main:go.mod',
    ':/x',
    '^main',
    'main..v1.0.0',
    '@{-1}',
    'v1.0.0^{tree}',
    'refs/heads/main',
    '\u0000',
    'a\r\nHost: x',
    '\u001b[2J',
    '%00',
    '%2e%2e',
    'ﬀ',
    'x'.repeat(4000),
    '0'.repeat(40),
    'deadbeef',
    'v1.0.0-0.20200101000000-deadbeefdead',
    'v9'.repeat(100),
    '$(id)',
    '`id`',
    "';id;'",
    '"|id',
    '\\\\server\\share',
    'CON',
    '!',
    '!!',
    '~root',
    '*',
    '{a,b}',
  ];
  const targets = words.flatMap((word) => {
    const spellings = [word, encodeURIComponent(word.toWellFormed()), escapedName(word)];
    return spellings.flatMap((one) => [
      `/github.com/evil/good/@v/${one}.info`,
      `/github.com/evil/good/@v/${one}.zip`,
      `/github.com/evil/${one}/@v/v1.0.0.mod`,
      `/${one}/@v/list`,
      `/github.com/evil/good/${one}/@latest`,
    ]);
  });
  // What cannot stand in a request line at all is sent as it is, byte by byte.
  return [...new Set(targets)];
}
