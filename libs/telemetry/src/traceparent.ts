import { hash, randomFillSync } from 'node:crypto';

/** Where one is in a trace. Ids are lower-case hex: 32 digits, 16 digits. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 0x01;

/**
 * Reads a W3C Trace Context `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header). What is not valid is
 * `undefined`, never an error: a broken header must not cost a prediction. Versions above 00 may carry more fields, as the
 * specification asks.
 */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const match = text === undefined ? null : PATTERN.exec(text);
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match as unknown as [string, string, string, string, string, string | undefined];
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (isZero(traceId) || isZero(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** Writes version 00. */
export const formatTraceparent = (context: TraceContext): string => `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;

/** The same trace and sampling decision, one span further down. */
export const childContext = (parent: TraceContext, spanId: string): TraceContext => ({ traceId: parent.traceId, spanId, sampled: parent.sampled });

/** 16 hex digits, never all zero. */
export const newSpanId = (): string => randomHex(8);
/** 32 hex digits, never all zero. */
export const newTraceId = (): string => randomHex(16);

/** The span id that always follows from these parts: whoever tells the same span again gives it the same id. */
export const derivedSpanId = (...parts: readonly (string | number)[]): string => derivedHex(parts, 16);
/** The same for a trace id. */
export const derivedTraceId = (...parts: readonly (string | number)[]): string => derivedHex(parts, 32);

function derivedHex(parts: readonly (string | number)[], digits: number): string {
  const hex = hash('sha256', parts.join('\n')).slice(0, digits);
  return isZero(hex) ? derivedHex([...parts, ''], digits) : hex;
}

const isZero = (hex: string): boolean => /^0+$/.test(hex);

// One system call fills many ids: every prediction needs one, sampled or not, because its headers announce it.
const pool = Buffer.allocUnsafe(8192);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const hex = pool.toString('hex', used, used + bytes);
  used += bytes;
  return isZero(hex) ? randomHex(bytes) : hex;
}
