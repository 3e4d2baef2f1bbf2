import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDeployed, type Deployed } from './deployed.ts';
import { exampleOf, examplesOf, nameOf, operationsOf, type Document, type Media, type Operation } from './document.ts';
import { attempt, attemptsAt } from './send-hostile.ts';
import { sendExamples, type Sent } from './send.ts';
import { installSchemathesis, search } from './schemathesis.ts';

const SEARCH_SECONDS = 45;
vi.setConfig({ testTimeout: 300_000, hookTimeout: 240_000 });

let platform: Deployed;
let document: Document;
let operations: Operation[];

beforeAll(async () => {
  platform = await startDeployed();
  document = (await (await fetch(`${platform.origin}/openapi.json`)).json()) as Document;
  operations = operationsOf(document);
});

afterAll(async () => {
  if (platform === undefined) return;
  const ended = new Promise((resolve) => platform.child.once('exit', resolve));
  platform.child.kill('SIGTERM');
  await ended;
});

const isBinary = ({ schema }: Media): boolean => (schema as { format?: string } | undefined)?.format === 'binary';
const good = ({ responses }: Operation): Media[] => Object.entries(responses).filter(([status]) => status.startsWith('2')).flatMap(([, { content = {} }]) => Object.values(content));

describe('/openapi.json', () => {
  it('is one document of OpenAPI 3.1 for everything behind the origin', () => {
    expect(document.openapi).toBe('3.1.0');
    for (const path of ['/v2/models/{model}/infer', '/registry/v1/models/{name}/versions', '/get-online-features', '/ledger/v1/predictions', '/monitor/v1/alerts', '/retraining/v1/runs']) expect(Object.keys(document.paths)).toContain(path);
  });
  it('says of every operation in a line what it does', () => expect(operations.filter(({ summary }) => summary === undefined || summary === '').map(nameOf)).toEqual([]));
  it('describes every parameter, with an example or the values it may have', () => {
    const bare = operations.flatMap((operation) => operation.parameters.filter(({ description, example, schema }) => description === undefined && example === undefined && schema?.example === undefined && schema?.enum === undefined && schema?.default === undefined).map(({ name }) => `${nameOf(operation)} ${name}`));
    expect(bare).toEqual([]);
  });
  it('has a schema and an example of every good answer', () => {
    const bare = operations.filter((operation) => good(operation).some((media) => media.schema === undefined || (!isBinary(media) && examplesOf(media, document).length === 0)));
    expect(bare.map(nameOf)).toEqual([]);
    expect(operations.filter(({ responses }) => !Object.keys(responses).some((status) => status.startsWith('2'))).map(nameOf)).toEqual([]);
  });
  it('has an example of every body', () => {
    const json = operations.flatMap((operation) => Object.entries(operation.requestBody?.content ?? {}).filter(([type]) => type === 'application/json').map(([, media]) => ({ operation, media })));
    expect(json.filter(({ media }) => examplesOf(media, document).length === 0).map(({ operation }) => nameOf(operation))).toEqual([]);
  });
  it('names every problem an operation may end in, and leaves nothing to a default', () => {
    for (const operation of operations) {
      expect(Object.keys(operation.responses), nameOf(operation)).toEqual(expect.arrayContaining(['400', '401', '403', '429', '500', '503']));
      expect(operation.responses['default'], nameOf(operation)).toBeUndefined();
    }
  });
  it('shows problems as they are', () => {
    const problem = operations.find(({ path }) => path === '/registry/v1/models/{name}/aliases/{alias}')!.responses['404']!.content!['application/problem+json']!;
    expect(exampleOf(problem.schema, document)).toMatchObject({ type: expect.stringContaining('urn:throughline:error:') });
  });
});

/** MLflow's ids are chosen by the server: an example of one is answered with a documented 404. */
const CHOOSES_IDS = '/api/2.0/mlflow';

/** What an example meets where what it speaks of has not happened yet, or where another example stands in its way. */
const NOT_YET: Readonly<Record<string, number>> = {
  'DELETE /registry/v1/models/{name}/versions/{version}': 409,
  'POST /registry/v1/models/{name}/rollback': 409,
  'GET /registry/v1/models/{name}/rollouts/{id}/events/{event}/replay': 404,
  // The example before has cancelled it.
  'GET /ledger/v1/backtests/{backtestId}/rows': 409,
  // There no spans are taken.
  'POST /ledger/v1/predictions/{predictionId}/trace': 409,
  'POST /registry/v1/models/{name}/rollouts/{id}/pause': 409,
  'POST /registry/v1/models/{name}/rollouts/{id}/resume': 409,
  'POST /registry/v1/models/{name}/rollouts/{id}/promote': 409,
};

describe('the examples of /openapi.json', () => {
  it('are requests that the services answer as documented', async () => {
    const known: Record<string, string> = { predictionId: platform.predictionId };
    const turn = ({ method }: Operation): number => (method === 'PUT' ? 0 : method === 'DELETE' ? 2 : 1);
    const refused: string[] = [];
    for (const operation of [...operations].sort((a, b) => turn(a) - turn(b))) {
      if (Object.keys(operation.requestBody?.content ?? {}).includes('multipart/form-data')) continue;
      for (const sent of await sendExamples(platform.origin, operation, document, known)) {
        remember(sent, known);
        expect(Object.keys(operation.responses), sent.request).toContain(String(sent.status));
        if (sent.status >= 300 && !operation.path.startsWith(CHOOSES_IDS) && NOT_YET[nameOf(operation)] !== sent.status) refused.push(`${sent.status} ${sent.request} ${JSON.stringify(sent.body)}`);
      }
    }
    expect(refused).toEqual([]);
  });
});

/** Ids of what was begun. */
const JOBS = ['backtestId', 'erasureId', 'rebuildId'];

/** Names that only the running services know are used by the examples that follow. */
function remember({ body }: Sent, known: Record<string, string>): void {
  if (typeof body !== 'object' || body === null) return;
  const { runId, id, strategy, artifactSha256 } = body as Record<string, unknown>;
  if (typeof runId === 'string') known['runId'] = runId;
  if (typeof id === 'string' && strategy !== undefined) known['id'] = id;
  if (typeof artifactSha256 === 'string') known['sha256'] = artifactSha256;
  for (const name of JOBS) if (typeof (body as Record<string, unknown>)[name] === 'string') known[name] = (body as Record<string, string>)[name]!;
}

describe('hostile requests', () => {
  it('are refused by whichever operation they reach, and never a 5xx', async () => {
    const failed: string[] = [];
    for (const operation of operations) {
      const attempts = attemptsAt(operation, document);
      const answers = await Promise.all(attempts.map((hostile) => attempt(platform.origin, hostile)));
      answers.forEach(({ status, text }, index) => {
        if (status >= 500) failed.push(`${status} ${nameOf(operation)} ${attempts[index]!.what}: ${text.slice(0, 300)}`);
      });
    }
    expect(failed).toEqual([]);
  });
});

describe('schemathesis', () => {
  it('finds no 5xx, no undocumented status or type, and no answer that its schema does not allow', async (context) => {
    const command = await installSchemathesis().catch((error: Error) => error);
    if (command instanceof Error) {
      process.stderr.write(`\nSKIPPED: schemathesis cannot be had here: ${command.message.slice(0, 300)}\n`);
      return context.skip('schemathesis cannot be had here');
    }
    const { clean, report } = await search(command, `${platform.origin}/openapi.json`, SEARCH_SECONDS);
    expect(clean, report.slice(-20_000)).toBe(true);
  });
});
