/** Files with a key in them: small texts that nobody but their owner may read. */
import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskFailure, isAbsence } from './disk-failure.ts';
import { syncFolder } from './durable-file.ts';
import { messageOf } from '../std/errors.ts';

/** A key is one short line. */
const MAX_SECRET_BYTES = 4096;
const OTHERS_MAY = 0o077;
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY;

/** What is in such a file, or why it may not be used: `open` others may read it, `unusable` it is not there or no such file. */
export type SecretFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'open'; readonly mode: string }
  | { readonly kind: 'unusable'; readonly why: string };

/** Reads the file at `path`, without the white space around its text. Never rejects. */
export async function readSecretFile(path: string): Promise<SecretFile> {
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      const facts = await file.stat();
      if ((facts.mode & OTHERS_MAY) !== 0) return { kind: 'open', mode: (facts.mode & 0o777).toString(8) };
      if (!facts.isFile() || facts.size > MAX_SECRET_BYTES) return { kind: 'unusable', why: 'it is not a key file' };
      return { kind: 'text', text: (await file.readFile('utf8')).trim() };
    } finally {
      await file.close();
    }
  } catch (error) {
    const why = isAbsence(error) ? 'no such file' : messageOf(diskFailure(error, 'read it'));
    return { kind: 'unusable', why };
  }
}

/** Puts `text` and a newline in the new file `path`, and makes its folder. Never replaces one: rejects with STORE_UNAVAILABLE. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, NEW_FILE, 0o600);
    try {
      await file.writeFile(`${text}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw diskFailure(error, `write ${path}`, path);
  }
}
