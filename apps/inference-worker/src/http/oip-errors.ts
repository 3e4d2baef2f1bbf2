import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { HttpError, PROBLEM_CONTENT_TYPE, type ErrorForm, type Problem } from '@throughline/http';

const PROTOCOL = /^\/v2(\/|$|\?)/;
const MODEL = String.raw`models/[^/]+(/versions/[^/]+)?`;
const METHODS: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`^/v2/${MODEL}/infer$`), 'POST'],
  [new RegExp(`^/v2(/health/(live|ready)|/${MODEL}(/ready)?)?$`), 'GET'],
];
/** With it Triton's clients announce tensors in bytes after the JSON. */
const BINARY_HEADER = 'inference-header-content-length';

export const PROTOCOL_ERROR: ErrorForm = {
  prefix: '/v2',
  contentType: 'application/json',
  schema: { type: 'object', required: ['error'], properties: { error: { type: 'string', description: 'code, reason and cure' } } },
  of: ({ code, detail, cure }) => ({ error: `${code}: ${detail}. ${cure}` }),
};

/** Below /v2 an error is `{error}`, whoever found it: the Open Inference Protocol knows no other form. */
export function answerErrorsInProtocol(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!PROTOCOL.test(request.url)) return done();
    const allowed = METHODS.find(([path]) => path.test(pathOf(request.url)))?.[1];
    if (allowed !== undefined && request.method !== allowed && !(allowed === 'GET' && request.method === 'HEAD')) {
      reply.header('allow', allowed);
      throw new HttpError(405, `${request.method} is not for this address`, { cure: `Use ${allowed}.` });
    }
    if (request.headers[BINARY_HEADER] !== undefined) throw new HttpError(415, 'binary tensors are not read here', { cure: 'Send the values as JSON: binary_data=False in Triton’s client.' });
    done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const isProblem = String(reply.getHeader('content-type') ?? '').startsWith(PROBLEM_CONTENT_TYPE);
    if (!isProblem || !PROTOCOL.test(request.url) || typeof payload !== 'string') return done(null, payload);
    reply.header('content-type', 'application/json; charset=utf-8');
    reply.removeHeader('content-length');
    done(null, JSON.stringify(PROTOCOL_ERROR.of(JSON.parse(payload) as Problem)));
  });
}

const pathOf = (url: string): string => url.split('?', 1)[0]!;
