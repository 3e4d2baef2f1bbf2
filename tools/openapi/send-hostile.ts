import { Agent, request } from 'node:http';
import type { Document, Operation } from './document.ts';
import { exampleOf, examplesOf } from './document.ts';
import { HOSTILE_BODIES, HOSTILE_NAMES, HOSTILE_QUERIES, HOSTILE_TYPES, spoilt } from './hostile.ts';

export interface Attempt {
  readonly what: string;
  readonly method: string;
  /** As it goes out: nobody normalises it. */
  readonly path: string;
  readonly type?: string;
  readonly body?: string | Buffer;
}

/** Everything hostile, one thing at a time, wherever an operation takes it. */
export function attemptsAt(operation: Operation, document: Document): Attempt[] {
  const { method, path, parameters, requestBody } = operation;
  const good = (name: string): string => encodeURIComponent(String(parameters.find((parameter) => parameter.name === name)?.example ?? 'x'));
  const fill = (value: (name: string) => string): string => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => value(name));
  const body = requestBody === undefined ? {} : { type: 'application/json', body: JSON.stringify(exampleOf(requestBody.content['application/json']?.schema, document) ?? {}) };
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
  const json = requestBody?.content['application/json'];
  const examples = json === undefined ? [] : examplesOf(json, document);
  return [
    ...examples.flatMap(spoilt).map((bad) => ({ what: `body ${JSON.stringify(bad).slice(0, 200)}`, method, path: fill(good), type: 'application/json', body: JSON.stringify(bad) })),
    ...names.flatMap((name) => HOSTILE_NAMES.map((value) => ({ what: `${name} ${value.slice(0, 40)}`, method, path: fill((other) => (other === name ? value : good(other))), ...body }))),
    ...parameters.filter((parameter) => parameter.in === 'query').flatMap(({ name }) => HOSTILE_QUERIES.map((value) => ({ what: `?${name}=${value.slice(0, 40)}`, method, path: `${fill(good)}?${name}=${value}`, ...body }))),
    ...(requestBody === undefined ? [] : HOSTILE_BODIES.map(([what, hostile]) => ({ what, method, path: fill(good), type: 'application/json', body: hostile }))),
    ...(requestBody === undefined ? [] : HOSTILE_TYPES.map((type) => ({ what: `content-type ${type}`, method, path: fill(good), type, body: '{"a":1}' }))),
  ];
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A few at a time: it is each request that is hostile, not their number. */
const agent = new Agent({ keepAlive: false, maxSockets: 8 });

/** `fetch` would mend addresses and types. */
export function attempt(origin: string, { method, path, type, body }: Attempt): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const headers = { ...(type === undefined ? {} : { 'content-type': type }), ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
