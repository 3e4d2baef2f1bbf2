import { InvalidArgumentError } from 'commander';
import { momentOf } from './domain/letter-filter.js';

/** An option's value as an integer from 0 on. */
export const wholeNumber = (text: string): number => integerFrom(0, text);

/** An option's value as an integer from 1 on: of 0 things nothing can be told. */
export const countFromOne = (text: string): number => integerFrom(1, text);

function integerFrom(least: number, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`Expected a whole number, ${least} or more.`);
  return value;
}

/** An option's value as a number. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** An option's value as epoch milliseconds. */
export function moment(text: string): number {
  const stampMs = momentOf(text, Date.now());
  if (stampMs === undefined) throw new InvalidArgumentError('Expected so long ago, such as 90s, 30m, 2h or 7d, or a day (UTC) or an instant with its zone, such as 2026-11-21 or 2026-11-21T10:00:00Z.');
  return stampMs;
}

/** The same as an RFC 3339 instant. */
export const instant = (text: string): string => new Date(moment(text)).toISOString();

/** For options that may be given several times. */
export const collected = (text: string, before: readonly string[] = []): string[] => [...before, text];
