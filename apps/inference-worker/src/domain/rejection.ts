import { ERRORS, type ErrorCode } from '@throughline/contracts';
import type { PackError } from '@throughline/features';

/** The answer “no”. The reason names fields, never values. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly cure: string;
}

export const reject = (code: ErrorCode, reason: string): Rejection => ({ code, reason, cure: ERRORS[code].cure });

export const rejectPack = ({ code, reason }: PackError): Rejection => reject(code, reason);

export const isRejection = (candidate: object): candidate is Rejection => 'code' in candidate && 'cure' in candidate;
