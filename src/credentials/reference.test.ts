import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KnownSecrets } from '../std/known-secrets.ts';
import { secretReference } from './reference.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'larder-reference-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a secret that is in use stays known, however many tokens come and go', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, 'canary-file\n');
  const known = new KnownSecrets();
  const environment = { TOKEN: 'canary-variable' };
  const references = [`file:${file}`, 'env:TOKEN', 'canary-literal'].map((text) =>
    secretReference(text, { environment, known }),
  );
  for (let i = 0; i < 2000; i++) {
    known.add(`passing-token-${i}`);
    if (i % 100 === 0) await Promise.all(references.map((one) => one.read()));
  }
  expect(known.redact('canary-file canary-variable canary-literal')).toBe('[secret] [secret] [secret]');
});
