import type { WireMessage } from '@throughline/contracts';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { AnyTopic } from '../topics.js';

const NO_HEADERS: WireMessage['headers'] = Object.freeze({});

/** A fetched message under the topic's name without prefix. */
export function toWireMessage(topic: AnyTopic, partition: number, message: KafkaMessage): WireMessage {
  return {
    topic,
    partition,
    offset: message.offset,
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.headers === undefined ? NO_HEADERS : single(message.headers),
  };
}

/**
 * A header may occur several times; the last one counts, as for most readers. One without a value (`kcat -H name`, Java's null) arrives as
 * null, against kafkajs's types, and is taken for absent.
 */
function single(headers: IHeaders): WireMessage['headers'] {
  for (const name in headers) {
    const value: unknown = headers[name];
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    if (last === null) delete headers[name];
    else if (last !== value) headers[name] = last as Buffer;
  }
  return headers as WireMessage['headers'];
}
