import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { AppError, messageOf } from '../std/errors.ts';
import { commandWay } from './goauth.ts';
import { HelperWay } from './helper.ts';
import { netrcFile } from './netrc.ts';
import { type Place, placeOf, placeText } from './place.ts';
import { secretReference, type SecretSurroundings } from './reference.ts';
import { type CredentialRow, credentialRowFault } from './rows.ts';
import { fixedWay, netrcWay, type Way, type WayParts } from './way.ts';

/** A row that can be used. */
export interface OpenRow {
  readonly row: CredentialRow;
  readonly place: Place;
  /** Absent for ssh. */
  readonly way: Way | undefined;
}

/** `row`, the one at `index`, ready to be asked. Does no IO. Throws CONFIG_INVALID for a row that cannot be used. */
export function openRow(row: CredentialRow, index: number, parts: WayParts & SecretSurroundings): OpenRow {
  const wrong = credentialRowFault(row);
  const url = URL.parse(row.url);
  const place = url === null ? undefined : placeOf(url);
  if (wrong === undefined && place !== undefined) return { row, place, way: wayOf(row, place, parts) };
  throw new AppError(
    'CONFIG_INVALID',
    `use row ${index + 1} of credentials: ${wrong?.key ?? 'url'} ${wrong?.fault ?? ''}`,
    {
      detail: { key: 'credentials' },
    },
  );
}

function wayOf(row: CredentialRow, place: Place, parts: WayParts & SecretSurroundings): Way | undefined {
  const { password, token, netrc, helper, command } = row;
  const fixed = (kind: 'password' | 'token', text: string): Way =>
    fixedWay(row, { kind, host: place.host, reference: secretReference(text, parts) }, parts.known);
  if (password !== undefined) return fixed('password', password);
  if (token !== undefined) return fixed('token', token);
  if (helper !== undefined) return new HelperWay({ argv: helper, username: row.username, place }, parts);
  if (command !== undefined) return commandWay(`the command ${command[0] ?? ''}`, command, parts);
  if (netrc === undefined) return undefined;
  const file = netrcFile(netrc);
  return netrcWay(`the netrc file ${netrc}`, () => file.read(), parts.known);
}

/** The variables that hold a secret of one of `rows`. */
export function secretNamesOf(rows: readonly CredentialRow[]): ReadonlySet<string> {
  const references = rows.flatMap(({ password, token }) => [password, token]);
  return new Set(references.flatMap((text) => (text?.startsWith('env:') === true ? [text.slice('env:'.length)] : [])));
}

/** Does `work`; a CONFIG_INVALID of it then says which row is meant. */
export async function aboutRow<T>({ place }: OpenRow, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CONFIG_INVALID') throw error;
    throw new AppError('CONFIG_INVALID', `use the credentials for ${placeText(place)}: ${error.message}`, {
      cause: error,
      detail: { ...error.detail, key: 'credentials' },
    });
  }
}

/** Whether ssh will be able to use the files of `row`. Rejects with CONFIG_INVALID when not. */
export async function checkSshFiles({ sshKey, knownHosts }: CredentialRow): Promise<void> {
  for (const path of [sshKey, knownHosts]) if (path !== undefined) await checkReadable(path);
  if (sshKey !== undefined && ((await stat(sshKey)).mode & 0o077) !== 0)
    throw new AppError('CONFIG_INVALID', `use the key ${sshKey}: others may read it, so ssh refuses it: chmod 600`);
}

async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new AppError('CONFIG_INVALID', `read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
