import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConfiguredCredentials,
  createCredentials,
  type CredentialSetting,
} from '../../src/credentials/configured.ts';
import { run } from '../../src/io/subprocess.ts';
import { KnownSecrets } from '../../src/std/known-secrets.ts';
import { ManualClock } from './manual-clock.ts';

/** A folder of files and programs, and credentials that are made from them. */
export class CredentialGround {
  readonly folder = mkdtempSync(join(tmpdir(), 'larder-credentials-'));
  readonly clock = new ManualClock();
  readonly known = new KnownSecrets();
  readonly troubles: string[] = [];
  readonly #opened: ConfiguredCredentials[] = [];

  /** Without rows, with no environment but PATH and an empty home. */
  open(setting: Partial<CredentialSetting> = {}): ConfiguredCredentials {
    const { clock, known } = this;
    const credentials = createCredentials({
      rows: [],
      home: this.folder,
      known,
      clock,
      run,
      onTrouble: (message) => this.troubles.push(message),
      ...setting,
      environment: { PATH: process.env['PATH'], HOME: this.folder, ...setting.environment },
    });
    this.#opened.push(credentials);
    return credentials;
  }

  /** Writes a file and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Writes a program in the language of sh; each start adds its arguments, a line, to the file `NAME.log`. */
  program(name: string, script: string): string {
    const path = this.file(name, `#!/bin/sh\necho "$*" >> "$0.log"\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** The arguments with which the program was started so far. */
  starts(name: string): readonly string[] {
    const path = join(this.folder, `${name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  remove(): void {
    for (const credentials of this.#opened) credentials.close();
    rmSync(this.folder, { recursive: true });
  }
}
