import type { Socket } from 'node:net';
import { HttpError, problem, PROBLEM_CONTENT_TYPE } from './problem.js';

/** Answers what never became a request (headers too long, no HTTP, too slow) as a problem, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const { status, phrase, reason, cure } = whatOf(error.code);
  const body = JSON.stringify(problem(new HttpError(status, reason, { cure })));
  const head = [`HTTP/1.1 ${status} ${phrase}`, `content-type: ${PROBLEM_CONTENT_TYPE}; charset=utf-8`, `content-length: ${Buffer.byteLength(body)}`, 'connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function whatOf(code: string | undefined): { status: number; phrase: string; reason: string; cure: string } {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, phrase: 'Request Header Fields Too Large', reason: 'address and headers together are longer than 16 KiB', cure: 'Send less in the address and the headers.' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, phrase: 'Request Timeout', reason: 'the request did not arrive in time', cure: 'Send it faster, or in parts.' };
  return { status: 400, phrase: 'Bad Request', reason: 'this is not a request of HTTP/1.1', cure: 'Speak HTTP/1.1 here.' };
}
