import { AppError } from '../../std/errors.ts';
import { shown } from '../shown.ts';

/** NOT_FOUND about a module: `reason` is printable, in the go command's words where it has some. */
export function notHere(module: string, reason: string): AppError {
  return new AppError('NOT_FOUND', `${module}: ${reason}`);
}

/** NOT_FOUND about what was asked as `version` of a module, which may be any text. */
export function invalidVersion(module: string, version: string, reason: string): AppError {
  return notHere(`${module}@${plain(version)}`, `invalid version: ${reason}`);
}

/** NOT_FOUND about a pseudo-version that is not the one of its commit. */
export function invalidPseudo(module: string, version: string, reason: string): AppError {
  return notHere(`${module}@${plain(version)}`, `invalid pseudo-version: ${reason}`);
}

/** `text` as it stands in a message: bare where that is harmless, as the go command writes it, else quoted. */
export function plain(text: string): string {
  return PLAIN.test(text) ? text : shown(text);
}

const PLAIN = /^[\x21-\x7e]{1,160}$/;
