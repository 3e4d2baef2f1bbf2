import { Inject, Injectable } from '@nestjs/common';
import type { EventBatch } from '@throughline/bus';
import type { EventTopic } from '@throughline/contracts';
import { mapDatabaseError } from '@throughline/db';
import { DataSource } from 'typeorm';
import { coordinatesOf } from '../domain/prediction.js';
import { enterInBooks } from './entries.js';

/** Enters what no store of the ledger sees. */
@Injectable()
export class BookKeeper {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** Dead letters, and replays that were meant for others: they are dealt with, and are no loss. */
  async enterUnhandled({ unhandled }: Pick<EventBatch<EventTopic>, 'unhandled'>): Promise<void> {
    const places = unhandled.map(({ message, code }) => ({ coordinates: coordinatesOf(message), isDeadLetter: code !== undefined }));
    const of = (isDeadLetter: boolean): string[] => places.filter((place) => place.isDeadLetter === isDeadLetter).map(({ coordinates }) => coordinates);
    try {
      await enterInBooks(this.dataSource, { handled: of(false), deadLetters: of(true) });
    } catch (error) {
      throw mapDatabaseError(error);
    }
  }
}
