import { TOPIC_NAMES, TOPICS, type Party, type TopicDefinition, type TopicName } from './topics.js';

const definitionOf = (name: TopicName): TopicDefinition => TOPICS[name] as TopicDefinition;

export interface AsyncApiOptions {
  /** As clients reach them, such as `127.0.0.1:9092`. */
  readonly brokers: readonly string[];
  readonly topicPrefix?: string;
  readonly version?: string;
}

/** The AsyncAPI 3.0 document of all topics, with Kafka bindings 0.5.0; derived from the map and nothing else. */
export function asyncApiDocument({ brokers, topicPrefix = '', version = '1.0.0' }: AsyncApiOptions): Record<string, unknown> {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Throughline',
      version,
      description: 'Predictions behind Kafka, followed to their outcomes. Events are CloudEvents 1.0: structured, binary, or a bare body.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: Object.fromEntries(brokers.map((host, index) => [`kafka${index}`, { host, protocol: 'kafka' }])),
    channels: Object.fromEntries(TOPIC_NAMES.map((name) => [name, channel(name, topicPrefix)])),
    operations: Object.fromEntries(TOPIC_NAMES.flatMap(operations)),
    components: { messages: Object.fromEntries(TOPIC_NAMES.map((name) => [name, message(name)])) },
  };
}

function channel(name: TopicName, topicPrefix: string): Record<string, unknown> {
  const { says, partitions, retention } = definitionOf(name);
  const topicConfiguration =
    retention === 'compact' ? { 'cleanup.policy': ['compact'] } : { 'cleanup.policy': ['delete'], 'retention.ms': retention.ms };
  return {
    address: `${topicPrefix}${name}`,
    description: says,
    messages: { [name]: { $ref: `#/components/messages/${name}` } },
    bindings: { kafka: { topic: `${topicPrefix}${name}`, partitions, replicas: 1, topicConfiguration, bindingVersion: '0.5.0' } },
  };
}

function message(name: TopicName): Record<string, unknown> {
  const { eventType, key, says, schema } = definitionOf(name);
  return {
    name: eventType,
    title: eventType,
    summary: says,
    contentType: schema === null ? 'application/octet-stream' : 'application/json',
    // Through JSON, because TypeBox keeps its own symbols in a schema.
    payload: schema === null ? { description: 'the original bytes' } : JSON.parse(JSON.stringify(schema)),
    bindings: { kafka: { key: { type: 'string', description: key }, bindingVersion: '0.5.0' } },
  };
}

function operations(name: TopicName): [string, Record<string, unknown>][] {
  const { producers, consumers, says } = definitionOf(name);
  const operation = (action: 'send' | 'receive') => (party: Party): [string, Record<string, unknown>] => [
    `${party.replaceAll(' ', '-')}.${action}.${name}`,
    { action, title: `${party}: ${says}`, channel: { $ref: `#/channels/${name}` } },
  ];
  return [...producers.map(operation('send')), ...consumers.map(operation('receive'))];
}
