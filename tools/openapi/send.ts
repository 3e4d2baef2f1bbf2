import { examplesOf, type Document, type Operation } from './document.ts';

export interface Sent {
  readonly request: string;
  readonly status: number;
  readonly body: unknown;
}

/** Sends each documented request of an operation. @param known values of parameters that only the running services know, before the examples */
export async function sendExamples(origin: string, operation: Operation, document: Document, known: Readonly<Record<string, string>>): Promise<Sent[]> {
  const url = addressOf(origin, operation, known);
  const json = operation.requestBody?.content['application/json'];
  const bodies = json === undefined ? [undefined] : examplesOf(json, document);
  const sent: Sent[] = [];
  for (const body of bodies) {
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(url, { method: operation.method, ...init });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    sent.push({ request: `${operation.method} ${url.slice(origin.length)} ${JSON.stringify(body) ?? ''}`, status: response.status, body: isJson ? (JSON.parse(text) as unknown) : text });
  }
  return sent;
}

/** With every parameter of the path; of the query only what must be given, as not all go together. */
function addressOf(origin: string, { path, parameters }: Operation, known: Readonly<Record<string, string>>): string {
  const valueOf = (name: string): string => {
    const parameter = parameters.find((candidate) => candidate.name === name);
    return String(known[name] ?? parameter?.example ?? parameter?.schema?.example ?? '');
  };
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(valueOf(name)));
  const query = parameters.filter((parameter) => parameter.in === 'query' && parameter.required === true).map(({ name }) => `${name}=${encodeURIComponent(valueOf(name))}`);
  return `${origin}${address}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}
