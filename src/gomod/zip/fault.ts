import { AppError } from '../../std/errors.ts';
import { shown } from '../shown.ts';

/** The error for bytes that are no acceptable zip; `fault` says where and why. */
export function zipFault(fault: string): AppError {
  return new AppError('ZIP_INVALID', `read zip: ${fault}`);
}

/** The error for the entry `name`. */
export function faultIn(name: string, fault: string): AppError {
  return zipFault(`entry ${shown(name)}: ${fault}`);
}
