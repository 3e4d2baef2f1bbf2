import { TOPIC_NAMES, TOPICS, type TopicDefinition } from './topics.js';

const nodeId = (name: string): string => name.replaceAll(/[^a-zA-Z0-9]/g, '_');

/** The loop as a Mermaid flowchart: parties as boxes, topics as rounded ones, arrows from the map. */
export function mermaidDiagram(): string {
  const lines = ['flowchart LR'];
  const parties = new Set<string>();
  for (const name of TOPIC_NAMES) {
    const { producers, consumers } = TOPICS[name] as TopicDefinition;
    lines.push(`  ${nodeId(name)}(["${name}"])`);
    for (const party of [...producers, ...consumers]) parties.add(party);
  }
  for (const party of parties) lines.push(`  ${nodeId(party)}["${party}"]`);
  for (const name of TOPIC_NAMES) {
    const { producers, consumers } = TOPICS[name] as TopicDefinition;
    for (const party of producers) lines.push(`  ${nodeId(party)} --> ${nodeId(name)}`);
    for (const party of consumers) lines.push(`  ${nodeId(name)} --> ${nodeId(party)}`);
  }
  return lines.join('\n');
}

/** The topics as a Markdown table, in flow order. */
export function topicsTable(): string {
  const rows = TOPIC_NAMES.map((name) => {
    const { key, producers, consumers, retention, partitions, says } = TOPICS[name] as TopicDefinition;
    const kept = retention === 'compact' ? 'compacted' : `${retention.ms / 86_400_000} days`;
    return `| \`${name}\` | ${key} | ${partitions} | ${kept} | ${producers.join(', ')} | ${consumers.join(', ')} | ${says} |`;
  });
  return ['| topic | key | partitions | kept | written by | read by | says |', '|---|---|---|---|---|---|---|', ...rows].join('\n');
}
