import { AppError } from '../std/errors.ts';
import type { KnownSecrets } from '../std/known-secrets.ts';
import { Secret } from '../std/secret.ts';
import { WatchedFile } from './watched-file.ts';

/** What secrets are read with. */
export interface SecretSurroundings {
  /** Of the process; `env:NAME` is looked up in it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Is told each secret that was read. */
  readonly known: KnownSecrets;
}

/** Where one secret is. */
export interface SecretReference {
  /** For messages: `env:NAME`, `file:/path` or `the configuration`. */
  readonly place: string;
  /** The secret now; a file is read again when it changed. Rejects with CONFIG_INVALID naming the place. */
  read(): Promise<Secret>;
}

/** The secret that `text` is or stands for: `env:NAME`, `file:/path`, anything else itself. Does no IO. */
export function secretReference(text: string, { environment, known }: SecretSurroundings): SecretReference {
  const taken = (value: string, place: string): Secret => {
    const secret = checked(value, place);
    known.add(value);
    return secret;
  };
  if (text.startsWith('file:')) {
    const file = new WatchedFile(text.slice('file:'.length), (bytes) =>
      taken(bytes.toString('utf8').replace(/\r?\n$/, ''), text),
    );
    return {
      place: text,
      async read() {
        const secret = await file.read();
        // It is in use, though the file was not read: else the tokens that come and go would push it out of memory.
        known.add(secret.reveal());
        return secret;
      },
    };
  }
  const name = text.startsWith('env:') ? text.slice('env:'.length) : undefined;
  const place = name === undefined ? 'the configuration' : text;
  const value = name === undefined ? text : (environment[name] ?? '');
  return { place, read: () => Promise.try(() => taken(value, place)) };
}

/** A file of several lines was meant to be another one, and a line break must never reach a header. */
function checked(text: string, place: string): Secret {
  if (text === '') throw new AppError('CONFIG_INVALID', `read the secret of ${place}: it is empty or not set`);
  if (text.length > 65_536) throw new AppError('CONFIG_INVALID', `read the secret of ${place}: over 65536 characters`);
  if (/\p{Cc}/u.test(text))
    throw new AppError('CONFIG_INVALID', `read the secret of ${place}: it is not one line of text`);
  return new Secret(text);
}
