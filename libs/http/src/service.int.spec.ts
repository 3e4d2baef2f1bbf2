import { request as rawRequest } from 'node:http';
import { connect } from 'node:net';
import { Body, Controller, Get, Module, Param, Post, Put } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { createLogger } from '@throughline/telemetry';
import { IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problems } from './api-problems.js';
import { startService, type RunningService } from './service.js';

class Thing {
  @ApiProperty() @IsString() @MaxLength(900) name!: string;
  @ApiProperty({ required: false }) @IsOptional() @IsInt() @Min(1) count?: number;
}

@Controller('things')
class ThingsController {
  @Get(':id') read(@Param('id') id: string): unknown {
    if (id === 'missing') throw new ContractError('not_found', `there is no thing "${id}"`);
    if (id === 'busy') throw new ContractError('overloaded', 'the queue holds 100 rows');
    if (id === 'broken') throw new Error('select secret from vault failed');
    return { id };
  }
  @Post() create(@Body() thing: Thing): unknown {
    return thing;
  }
  @Put(':id') @Problems('conflict') change(@Param('id') _id: string): unknown {
    throw new ContractError('conflict', 'expected 1, found 2');
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let service: RunningService;
let databaseUp = true;

beforeAll(async () => {
  service = await startService({
    name: 'things',
    settings: { host: '127.0.0.1', port: 0, bodyLimitBytes: 1000 },
    module: ThingsModule,
    openApi: { title: 'Things', description: 'For tests', pathParameters: { id: { description: 'number of a thing', example: '1', schema: { maxLength: 20 } } } },
    logger: createLogger('things', { level: 'silent' }),
    checks: () => ({ database: () => { if (!databaseUp) throw new Error('connection refused'); } }),
  });
});
afterAll(() => service.close());

const call = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${service.url}${path}`, init);
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, headers: response.headers, body: (/json/.test(type) ? await response.json() : await response.text()) as never as Record<string, unknown> };
};
const json = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body });

/** `fetch` does not let one choose Host. */
const withHeaders = (headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    rawRequest(`${service.url}/things/1`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject).end();
  });

describe('errors', () => {
  it('answers an error of the closed list as a problem with code and cure', async () => {
    const { status, type, body } = await call('/things/missing?secret=1');
    expect({ status, type }).toEqual({ status: 404, type: expect.stringContaining('application/problem+json') });
    expect(body).toMatchObject({ code: 'not_found', status: 404, detail: 'there is no thing "missing"', cure: 'Check the name.', instance: '/things/missing', type: 'urn:throughline:error:not_found' });
  });
  it('says when to try again if it is full', async () => {
    const { status, headers } = await call('/things/busy');
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  });
  it('keeps the reason of a defect to itself', async () => {
    const { status, body } = await call('/things/broken');
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: 'internal', requestId: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(JSON.stringify(body)).not.toContain('secret');
  });
  it('answers conflict as 409', async () => expect((await call('/things/1', { method: 'PUT' })).status).toBe(409));
  it('answers an unknown route as a problem', async () => expect(await call('/nowhere')).toMatchObject({ status: 404, type: expect.stringContaining('problem+json'), body: { code: 'not_found' } }));
  it('answers a path that cannot be decoded as a problem', async () => expect(await call('/things/%E0%A4%A')).toMatchObject({ status: 400, type: expect.stringContaining('problem+json') }));
  it('answers malformed JSON as a problem', async () => expect(await call('/things', json('{"name":'))).toMatchObject({ status: 400, type: expect.stringContaining('problem+json'), body: { code: 'invalid_request' } }));
  it('answers an unknown content type as a problem', async () => expect(await call('/things', { method: 'POST', headers: { 'content-type': 'text/x-weird' }, body: 'x' })).toMatchObject({ status: 415, body: { code: 'invalid_request' } }));
  it.each(['application/x-www-form-urlencoded', 'text/plain'])('tells whoever sends JSON as %s what to send', async (type) => {
    const { status, body } = await call('/things', { method: 'POST', headers: { 'content-type': type }, body: '{"name":"a"}' });
    expect([status, body['cure']]).toEqual([415, expect.stringContaining('application/json')]);
  });
  it('says of a field that is missing or of the wrong type just that, whatever else it should be', async () => {
    expect((await call('/things', json('{}'))).body['detail']).toBe('name must be a string');
    expect((await call('/things', json('{"name":"a","count":"x"}'))).body['detail']).toBe('count must be an integer number');
  });
  it('refuses a body over the limit', async () => expect(await call('/things', json(JSON.stringify({ name: 'x'.repeat(2000) })))).toMatchObject({ status: 413, type: expect.stringContaining('problem+json') }));
  it('names the field that is wrong, and refuses unknown ones', async () => {
    const { status, body } = await call('/things', json('{"name":1,"count":0,"cuont":2}'));
    expect([status, body['code']]).toEqual([400, 'invalid_request']);
    expect(body['detail']).toMatch(/name must be a string/);
    expect(body['detail']).toMatch(/count must not be less than 1/);
    expect(body['detail']).toMatch(/cuont should not exist/);
  });
  it.each([
    ['a NUL character', '{"name":"a\\u0000b"}', /NUL/],
    ['a NUL character in a name', '{"a\\u0000b":1}', /NUL/],
    ['half of a surrogate pair', '{"name":"\\ud800"}', /surrogate/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /UTF-8/],
    ['more levels than anybody needs', `${'['.repeat(400)}${']'.repeat(400)}`, /deeper/],
  ])('refuses %s, which would fail further in', async (_what, body, reason) => {
    expect(await call('/things', { ...json(''), body })).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringMatching(reason) } });
  });
  it.each(['/things/a%00b', '/things/1?q=%00'])('refuses a NUL character in the address %s', async (path) => expect((await call(path)).status).toBe(400));
  it('takes text that was escaped needlessly', async () => {
    const name = '😀 \\u0000 \\ud800';
    const escaped = `{"name":"\\ud83d\\ude00 \\\\u0000 \\\\ud800"}`;
    expect(await call('/things', json(escaped))).toMatchObject({ status: 201, body: { name } });
  });
  it('takes a null where a field may be left out as left out', async () => expect((await call('/things', json('{"name":"a","count":null}'))).body).toEqual({ name: 'a' }));
  it('answers headers that are too long as a problem', async () => {
    expect(await call(`/things/1?q=${'x'.repeat(20_000)}`)).toMatchObject({ status: 431, type: expect.stringContaining('problem+json'), body: { code: 'invalid_request', status: 431 } });
  });
  it('answers a name that is too long as a problem', async () => {
    expect((await call(`/things/${'x'.repeat(300)}`)).status).toBe(200);
    expect(await call(`/things/${'x'.repeat(501)}`)).toMatchObject({ status: 414, type: expect.stringContaining('problem+json') });
  });
  it('lets a valid body through', async () => expect(await call('/things', json('{"name":"a"}'))).toMatchObject({ status: 201, body: { name: 'a' } }));
});

describe('the guard of an unauthenticated service', () => {
  it('answers to names of this machine', async () => {
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000']) expect(await withHeaders({ host })).toBe(200);
  });
  it('refuses a foreign name that resolves here', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', 'evil.example@127.0.0.1', 'evil.example/127.0.0.1']) expect(await withHeaders({ host })).toBe(403);
  });
  it('refuses a foreign page', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) expect(await withHeaders({ origin })).toBe(403);
    expect(await withHeaders({ origin: 'http://localhost:5173' })).toBe(200);
  });
  it('will not listen where others can reach it', async () => {
    const options = { name: 'things', module: ThingsModule, openApi: { title: '', description: '' } };
    await expect(startService({ ...options, settings: { host: '0.0.0.0', port: 0 } })).rejects.toThrow(/no authentication/);
  });
});

describe('what every service answers', () => {
  it('is live, and ready when its checks pass', async () => {
    expect(await call('/health/live')).toMatchObject({ status: 200 });
    expect(await call('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok', checks: { database: { status: 'up' } } } });
    databaseUp = false;
    expect(await call('/health/ready')).toMatchObject({ status: 503, body: { status: 'error', checks: { database: { status: 'down', reason: 'connection refused' } } } });
    databaseUp = true;
  });
  it('counts its own requests by route, not by path', async () => {
    await call('/things/17');
    const { body, type } = await call('/metrics');
    expect(type).toContain('text/plain');
    expect(body).toMatch(/throughline_http_request_duration_seconds_count\{method="GET",route="\/things\/:id",status="200"\} \d/);
    expect(body).not.toContain('/things/17');
  });
  it('describes its controllers, with every problem an operation may answer and an example of each', async () => {
    const { body } = await call('/openapi.json');
    expect(body).toMatchObject({ openapi: expect.stringMatching(/^3/), info: { title: 'Things' } });
    const paths = body['paths'] as Record<string, Record<string, { responses: Record<string, unknown>; parameters: unknown[] }>>;
    const change = paths['/things/{id}']!['put']!;
    expect(Object.keys(change.responses)).toEqual(['200', '400', '401', '403', '404', '409', '414', '429', '431', '500', '503']);
    expect(change.responses['409']).toMatchObject({ content: { 'application/problem+json': { examples: { conflict: { value: { status: 409, code: 'conflict' } } } } } });
    expect(change.parameters).toMatchObject([{ name: 'id', description: 'number of a thing', example: '1', schema: { maxLength: 20 } }]);
    expect(Object.keys(paths['/things']!['post']!.responses)).toEqual(expect.arrayContaining(['201', '413', '415']));
    expect((body['components'] as { schemas: object }).schemas).toHaveProperty('Problem.properties.cure');
    expect(body).toMatchObject({ security: [{ key: [] }, {}], components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } });
  });
  it('describes the limits that it validates', async () => {
    const { body } = await call('/openapi.json');
    expect((body['components'] as { schemas: { Thing: object } }).schemas.Thing).toMatchObject({ properties: { count: { type: ['integer', 'null'], minimum: 1 }, name: { type: 'string', maxLength: 900 } } });
  });
});

describe('the edge of the protocol', () => {
  it('survives bytes that are not HTTP', async () => {
    const { port } = new URL(service.url);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('\x00\x01garbage\r\n\r\n'));
      socket.on('data', (data) => resolve(String(data)));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    expect((await call('/health/live')).status).toBe(200);
  });
});
