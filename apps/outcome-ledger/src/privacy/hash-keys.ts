import type { OnModuleInit } from '@nestjs/common';
import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { hashKeyOf, hashOf, type HashKey } from './domain/hashing.js';

/** The secrets that hashes are made with: those configured, and the database's own where none is. */
export class HashKeys implements OnModuleInit {
  private readonly configured: readonly HashKey[];
  private salt: HashKey | undefined;

  /** @param secrets the first makes hashes; the others find what was hashed before */
  constructor(private readonly dataSource: DataSource, secrets: readonly string[]) {
    this.configured = secrets.map((secret) => hashKeyOf(Buffer.from(secret)));
  }

  async onModuleInit(): Promise<void> {
    const [row] = await query<{ salt: Buffer }>(this.dataSource, 'SELECT salt FROM privacy_salt');
    this.salt = hashKeyOf((row as { salt: Buffer }).salt);
  }

  /** What policies hash with; `undefined` without a configured secret: there is no default. */
  current(): HashKey | undefined {
    return this.configured[0];
  }

  /** For fingerprints that only this installation must recognise: the first configured secret, else the salt in the database. */
  local(): HashKey {
    return this.configured[0] ?? (this.salt as HashKey);
  }

  /** The key of this name, to check what was hashed with it. */
  byId(id: string): HashKey | undefined {
    return [...this.configured, this.salt].find((key) => key?.id === id);
  }

  /** Every spelling under which a value may have been written down: as it is, and hashed with each configured secret. */
  formsOf(text: string): string[] {
    return [text, ...this.configured.map((key) => hashOf(key, text))];
  }
}
