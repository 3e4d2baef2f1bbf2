import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeEvent } from './envelope.js';
import { TOPIC_NAMES, type EventTopic } from './topics.js';

interface Golden {
  says: string;
  headers: Record<string, string>;
  value: unknown;
}

const directory = new URL('../golden/', import.meta.url);
const topics = readdirSync(directory).map((file) => file.replace(/\.json$/, '') as EventTopic);

describe('every version ever released still parses', () => {
  const messages = topics.flatMap((topic) =>
    (JSON.parse(readFileSync(new URL(`${topic}.json`, directory), 'utf8')) as Golden[]).map((golden) => ({ topic, ...golden })),
  );

  it.each(messages)('$topic: $says', ({ topic, headers, value }) => {
    const message = { topic, partition: 0, offset: '0', timestampMs: 0, key: null, headers, value: Buffer.from(JSON.stringify(value)) };
    expect(decodeEvent(topic, message)).toMatchObject({ ok: true });
  });

  it('covers every topic that carries events', () => {
    expect(topics.toSorted()).toEqual(TOPIC_NAMES.filter((name) => name !== 'dead-letter.v1').toSorted());
  });
});
