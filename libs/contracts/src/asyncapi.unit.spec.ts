import { Parser } from '@asyncapi/parser';
import { describe, expect, it } from 'vitest';
import { asyncApiDocument } from './asyncapi.js';
import { TOPIC_NAMES } from './topics.js';

describe('asyncApiDocument', () => {
  it('is valid by the AsyncAPI project’s own parser', async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument({ brokers: ['127.0.0.1:9092'] })));
    expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([]);
    expect(document?.allChannels().length).toBe(TOPIC_NAMES.length);
  });

  it('puts the installation’s prefix before every address', () => {
    const { channels } = asyncApiDocument({ brokers: [], topicPrefix: 'acme.' }) as { channels: Record<string, { address: string }> };
    for (const { address } of Object.values(channels)) expect(address.startsWith('acme.')).toBe(true);
  });
});
