import { applyDecorators } from '@nestjs/common';
import { isInstant } from '@throughline/contracts';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';

const YEAR_1_MS = Date.parse('0001-01-01T00:00:00.000Z');
const YEAR_10000_MS = Date.UTC(10_000, 0, 1);

/**
 * An RFC 3339 instant in a query or body, given on as UTC with milliseconds: PostgreSQL refuses offsets and days that RFC 3339 writes, and
 * Date takes the thirtieth of February for the second of March.
 */
export const IsInstant = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }) => canonicalInstant(value) ?? (value as unknown)),
    ValidateBy({
      name: 'isInstant',
      validator: { validate: (value) => canonicalInstant(value) !== undefined, defaultMessage: () => '$property must be an RFC 3339 instant with date, time and zone, such as 2001-02-03T04:05:06Z' },
    }),
  );

/** `undefined` for what is no instant. */
export function canonicalInstant(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 40 || !isInstant(value)) return undefined;
  const day = value.slice(0, 10);
  const dayMs = Date.parse(`${day}T00:00:00Z`);
  const instantMs = Date.parse(value.toUpperCase());
  if (Number.isNaN(dayMs) || Number.isNaN(instantMs) || instantMs < YEAR_1_MS || instantMs >= YEAR_10000_MS) return undefined;
  return new Date(dayMs).toISOString().startsWith(day) ? new Date(instantMs).toISOString() : undefined;
}
