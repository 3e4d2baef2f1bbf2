import { readFileSync, statSync, unwatchFile, watchFile, type StatsListener } from 'node:fs';
import type { Logger } from '@throughline/telemetry';
import { idOfKey, isKeyOf, parseKeys, type KeyRecord } from './api-keys.js';
import type { Principal } from './principal.js';
import { UnauthenticatedError } from './unauthenticated.js';

const LOOK_EVERY_MS = 1000;
const WRITABLE_BY_OTHERS = 0o022;

export interface KeyRingOptions {
  readonly file?: string | undefined;
  /** The same as JSON. */
  readonly json?: string | undefined;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** The API keys that are accepted: those given once, and those of a file, which is looked at every second. */
export class KeyRing {
  private readonly given: readonly KeyRecord[];
  private keys: ReadonlyMap<string, KeyRecord> = new Map();
  private readonly onChange: StatsListener = () => this.reload();

  /** @throws Error that says why the keys cannot be read */
  constructor(private readonly options: KeyRingOptions) {
    this.given = options.json === undefined ? [] : parseKeys(options.json);
    this.load();
    if (options.file !== undefined) watchFile(options.file, { interval: LOOK_EVERY_MS, persistent: false }, this.onChange);
  }

  /** @throws UnauthenticatedError that says why not; it never repeats the key */
  principalOf(key: string): Principal {
    const id = idOfKey(key);
    const record = id === undefined ? undefined : this.keys.get(id);
    if (!isKeyOf(record, key)) throw new UnauthenticatedError('no such API key: it is mistyped or revoked', true);
    if (record.expiresAt !== undefined && Date.parse(record.expiresAt) <= this.options.nowMs()) throw new UnauthenticatedError(`the API key ${record.id} expired at ${record.expiresAt}`, true);
    return { name: `key:${record.name}`, roles: [record.role], team: record.team };
  }

  close(): void {
    if (this.options.file !== undefined) unwatchFile(this.options.file, this.onChange);
  }

  private load(): void {
    const { file } = this.options;
    this.keys = new Map([...(file === undefined ? [] : readKeysFile(file)), ...this.given].map((record) => [record.id, record]));
  }

  /** A file that somebody is half through writing must not lock everybody out. */
  private reload(): void {
    const { file, logger } = this.options;
    try {
      this.load();
      logger.info({ file, keys: this.keys.size }, 'the API keys were read again');
    } catch (error) {
      logger.error({ file, reason: (error as Error).message }, 'the file of API keys cannot be read; the keys read before stay in force');
    }
  }
}

/** @throws Error that says why it cannot be used */
export function readKeysFile(file: string): KeyRecord[] {
  if ((statSync(file).mode & WRITABLE_BY_OTHERS) !== 0) throw new Error('others may write to it (chmod 600)');
  return parseKeys(readFileSync(file, 'utf8'));
}
