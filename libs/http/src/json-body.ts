import { isUtf8 } from 'node:buffer';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { HttpError } from './problem.js';

/** Deeper than anything that is asked here, and shallow enough for every recursive reader. */
const MAX_DEPTH = 100;
const TEXT_CURE = 'Leave out NUL characters and halves of surrogate pairs: they cannot be stored.';

/**
 * Reads JSON and refuses what would break further in: bytes that are no UTF-8, values nested too deep to be walked, and text that
 * PostgreSQL cannot hold (NUL, half of a surrogate pair). Costs a search of the text; values are walked only when that finds something.
 */
export function readJsonBodies(app: NestFastifyApplication, bodyLimit: number): void {
  const fastify = app.getHttpAdapter().getInstance();
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, (request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void) => {
    if (!isUtf8(body)) return done(new HttpError(400, 'the body is not UTF-8', { cure: 'Send JSON as UTF-8.' }));
    const text = body.toString();
    // Fastify's parser answers in the callback, at once.
    void parse(request, text, (error, value) => done(error ?? (mayBreak(text) ? whyUnfit(value) : undefined) ?? null, value));
  });
}

/** Refuses an address with an encoded NUL; nothing else that PostgreSQL refuses gets through the decoding. @throws HttpError 400 */
export function refuseNul(url: string): void {
  if (url.includes('%00')) throw new HttpError(400, 'the address holds a NUL character', { cure: TEXT_CURE });
}

/** Such text can only come as an escape, and depth only with as many brackets. */
function mayBreak(text: string): boolean {
  return (text.includes('\\u') && /\\u(?:0000|d[89a-f])/i.test(text)) || hasMore(text, '[', MAX_DEPTH) || hasMore(text, '{', MAX_DEPTH);
}

function hasMore(text: string, bracket: string, count: number): boolean {
  let at = -1;
  for (let found = 0; found <= count / 2; found++) {
    at = text.indexOf(bracket, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** Why a value of JSON cannot go further, or `undefined`. Without recursion, as the depth is in question. */
export function whyUnfit(value: unknown): HttpError | undefined {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: item, depth } = next;
    if (typeof item === 'string' && isUnfit(item)) return new HttpError(400, 'a text in the body holds a NUL character or half of a surrogate pair', { cure: TEXT_CURE });
    if (typeof item !== 'object' || item === null) continue;
    if (depth >= MAX_DEPTH) return new HttpError(400, `the body is nested deeper than ${MAX_DEPTH} levels`, { cure: 'Send it flatter.' });
    if (!Array.isArray(item) && Object.keys(item).some(isUnfit)) return new HttpError(400, 'a name in the body holds a NUL character or half of a surrogate pair', { cure: TEXT_CURE });
    for (const inner of Array.isArray(item) ? item : Object.values(item)) {
      if (typeof inner === 'string' || typeof inner === 'object') pending.push({ value: inner, depth: depth + 1 });
    }
  }
  return undefined;
}

const isUnfit = (text: string): boolean => text.includes('\u0000') || !text.isWellFormed();
