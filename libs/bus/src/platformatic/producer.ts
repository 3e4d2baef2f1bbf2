import type { MessageToProduce, Producer } from '@platformatic/kafka';
import type { Names } from '../names.js';
import type { OutgoingMessage } from '../port.js';
import { murmur2 } from '../produce/murmur2.js';
import type { ProducerClient } from '../produce/patient-producer.js';
import { library, type ClientOptions } from './client.js';
import { isBecause } from './errors.js';

const ALL_IN_SYNC_REPLICAS = -1;
const HEADER_NAMES_MAX = 1_000;

const encoded = (content: string | Buffer): Buffer => (typeof content === 'string' ? Buffer.from(content) : content);

/** Sends by @platformatic/kafka. Connects on first use. */
export class PlatformaticProducerClient implements ProducerClient {
  private readonly producer: Producer;
  private readonly headerNames = new Map<string, Buffer>();

  constructor(
    options: ClientOptions,
    private readonly names: Names,
  ) {
    const { Producer } = library();
    this.producer = new Producer({ ...options, idempotent: false, acks: ALL_IN_SYNC_REPLICAS, autocreateTopics: false });
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    try {
      await this.producer.send({ messages: messages.map((message) => this.record(message)), acks: ALL_IN_SYNC_REPLICAS });
    } catch (error) {
      // A broker that is gone may lead what it led no longer.
      this.producer.clearMetadata();
      throw error;
    }
  }

  isTooLarge(error: unknown): boolean {
    return isBecause(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE');
  }

  disconnect(): Promise<void> {
    return this.producer.close();
  }

  private record({ topic, key, value, headers }: OutgoingMessage): MessageToProduce {
    const keyBytes = encoded(key);
    const record = { topic: this.names.topic(topic), key: keyBytes, value: value === null ? null : encoded(value), partition: murmur2(keyBytes) };
    // The library takes any number for a partition, modulo how many there are; and null for no value, against its types.
    return (headers === undefined ? record : { ...record, headers: this.headersOf(headers) }) as unknown as MessageToProduce;
  }

  private headersOf(headers: NonNullable<OutgoingMessage['headers']>): Map<Buffer, Buffer> {
    const entries = new Map<Buffer, Buffer>();
    for (const name in headers) entries.set(this.headerName(name), encoded(headers[name]!));
    return entries;
  }

  private headerName(name: string): Buffer {
    const known = this.headerNames.get(name);
    if (known !== undefined) return known;
    const bytes = Buffer.from(name);
    // Names of headers are few; those of dead letters are whatever somebody sent.
    if (this.headerNames.size < HEADER_NAMES_MAX) this.headerNames.set(name, bytes);
    return bytes;
  }
}
