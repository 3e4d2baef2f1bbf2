import { TOPIC_NAMES, TOPICS, type Party, type TopicDefinition, type TopicName } from '@throughline/contracts';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const SERVICES = ['model-registry', 'inference-worker', 'feature-store', 'outcome-ledger', 'drift-monitor', 'retraining-coordinator'] as const satisfies readonly Party[];

/** All of a service's own code, without its tests. */
function sourceOf(service: string): string {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', `apps/${service}/src`], { cwd: root, encoding: 'utf8' }).split('\n');
  return files.filter((file) => file.endsWith('.ts') && !/\.spec\.ts$|\/testing\//.test(file)).map((file) => readFileSync(root + file, 'utf8')).join('\n');
}

const definition = (name: TopicName): TopicDefinition => TOPICS[name] as TopicDefinition;
const byMap = (role: 'producers' | 'consumers', service: Party): TopicName[] => TOPIC_NAMES.filter((name) => definition(name)[role].includes(service));

describe.each(SERVICES)('%s does what the map of topics says', (service) => {
  const source = sourceOf(service);
  const consumed = [...source.matchAll(/(?:@Consumes|\bfollow)\(\{\s*topic: '([^']+)'/g)].map(([, topic]) => topic);

  it('it reads every topic that the map has it read, and no other', () => {
    expect([...new Set(consumed)].toSorted()).toEqual(byMap('consumers', service).toSorted());
  });

  it('it names no topic beside those it reads and writes, and every one it writes', () => {
    const named = TOPIC_NAMES.filter((name) => source.includes(`'${name}'`));
    const expected = TOPIC_NAMES.filter((name) => byMap('consumers', service).includes(name) || byMap('producers', service).includes(name));
    expect(named.toSorted()).toEqual(expected.toSorted());
  });
});
