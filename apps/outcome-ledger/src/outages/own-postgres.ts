import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startPostgres, type LocalPostgres } from '@throughline/local-stack';
import pg from 'pg';

/** A PostgreSQL of one test's own, to be taken away and brought back on the same port with the same data. */
export class OwnPostgres {
  private constructor(
    private readonly home: string,
    private readonly port: number,
    private server: LocalPostgres,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const home = mkdtempSync(join(tmpdir(), 'outage-'));
    const port = await freePort();
    return new OwnPostgres(home, port, await startPostgres({ home, port }));
  }

  get url(): string {
    return this.server.url;
  }

  get dataFolder(): string {
    return this.server.dataFolder;
  }

  /** Every process of the server at once, as a power cut would. */
  async cut(): Promise<void> {
    process.kill(-this.server.pid, 'SIGKILL');
    await this.server.exited;
  }

  async restore(): Promise<void> {
    this.server = await startPostgres({ home: this.home, port: this.port });
  }

  async query<R extends pg.QueryResultRow>(sql: string, parameters: unknown[] = []): Promise<R[]> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query<R>(sql, parameters)).rows;
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await this.server.stop();
    rmSync(this.home, { recursive: true, force: true });
    rmSync(join(this.dataFolder, '..'), { recursive: true, force: true });
  }
}

/** A disk of its own, in memory, whose size can change; only root on Linux can have one. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  static whyNot(): string | undefined {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a small disk';
    try {
      const disk = SmallDisk.mount(1);
      disk.unmount();
      return undefined;
    } catch (error) {
      return `a small disk cannot be mounted here: ${(error as Error).message}`;
    }
  }

  static mount(sizeMiB: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0777`, 'tmpfs', folder], { stdio: 'pipe' });
    return new SmallDisk(folder);
  }

  /** Gives it to whoever owns a folder. */
  giveToOwnerOf(other: string): void {
    const { uid, gid } = statSync(other);
    chownSync(this.folder, uid, gid);
  }

  grow(sizeMiB: number): void {
    execFileSync('mount', ['-o', `remount,size=${sizeMiB}m`, this.folder], { stdio: 'pipe' });
  }

  unmount(): void {
    execFileSync('umount', [this.folder], { stdio: 'pipe' });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
