import { AppError } from '../../std/errors.ts';

/** The error for bytes that are no acceptable zip; `fault` says where and why. */
export function zipFault(fault: string): AppError {
  return new AppError('ZIP_INVALID', `read zip: ${fault}`);
}
