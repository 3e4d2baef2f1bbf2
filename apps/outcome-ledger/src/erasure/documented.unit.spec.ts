import { readFileSync } from 'node:fs';
import { TOPICS, type TopicName } from '@throughline/contracts';
import { expect, it } from 'vitest';

const DAY_MS = 86_400_000;
const CARRIES_NO_VALUES: readonly string[] = ['model.deployment.v1', 'serving.reported.v1', 'alert.raised.v1', 'retraining.requested.v1', 'retraining.progressed.v1', 'retraining.finished.v1'];
const table = readFileSync(new URL('../../../../docs/ledger.md', import.meta.url), 'utf8').split('\n## Privacy')[1]!.split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('|'));

it.each(Object.keys(TOPICS).filter((name) => !CARRIES_NO_VALUES.includes(name)))('what is documented to hold values, and for how long, includes %s', (name) => {
  const { retention } = TOPICS[name as TopicName];
  const line = table.find((one) => one.includes(`\`${name}\``));
  expect(line).toContain(retention === 'compact' ? 'compacted' : `${retention.ms / DAY_MS} days`);
});
