import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PROBLEM_CONTENT_TYPE, type Problem } from '@throughline/http';

/** Below /v2 an error is `{error}`, whoever found it: the Open Inference Protocol knows no other form. */
export function answerErrorsInProtocol(app: NestFastifyApplication): void {
  app.getHttpAdapter().getInstance().addHook('onSend', async (request, reply, payload) => {
    const isProblem = String(reply.getHeader('content-type') ?? '').startsWith(PROBLEM_CONTENT_TYPE);
    if (!isProblem || !/^\/v2(\/|$|\?)/.test(request.url) || typeof payload !== 'string') return payload;
    const { code, detail, cure } = JSON.parse(payload) as Problem;
    reply.header('content-type', 'application/json; charset=utf-8');
    reply.removeHeader('content-length');
    return JSON.stringify({ error: `${code}: ${detail}. ${cure}` });
  });
}
