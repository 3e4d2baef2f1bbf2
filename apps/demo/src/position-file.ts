import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How far the replay has come. */
export interface Position {
  /** When the first version of the model was registered: tells one installation from another. */
  readonly installation: string;
  /** Everything before this event time has been published and acknowledged; RFC 3339. */
  readonly replayedUntil: string;
}

/** The replay's place in event time, on disk between two runs. */
export class PositionFile {
  private readonly path: string;

  constructor(home: string) {
    this.path = join(home, 'demo.json');
  }

  /** Epoch milliseconds; `undefined` when this installation has not replayed anything. */
  async read(installation: string): Promise<number | undefined> {
    try {
      const position = JSON.parse(await readFile(this.path, 'utf8')) as Position;
      const positionMs = Date.parse(position.replayedUntil);
      return position.installation === installation && !Number.isNaN(positionMs) ? positionMs : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Whole or not at all: a process killed in here leaves the last position. */
  async write(installation: string, positionMs: number): Promise<void> {
    const position: Position = { installation, replayedUntil: new Date(positionMs).toISOString() };
    await mkdir(dirname(this.path), { recursive: true });
    const handle = await open(`${this.path}.new`, 'w');
    try {
      await handle.writeFile(`${JSON.stringify(position, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${this.path}.new`, this.path);
  }
}
