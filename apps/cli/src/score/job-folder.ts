import { createReadStream, existsSync, openSync, closeSync, writeSync, fdatasyncSync, ftruncateSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { NO_TALLY, type RowAnswer, type Tally } from '../domain/score/answers.js';
import { linesOf } from './input/text.js';

/** What a job is; two runs of the command with the same are one job. */
export interface JobIdentity {
  readonly inputSha256: string;
  readonly rows: number;
  /** Options that shape the requests. */
  readonly request: Readonly<Record<string, unknown>>;
}

export interface Job extends JobIdentity {
  /** CloudEvents source of its requests. */
  readonly source: string;
  readonly startedAt: string;
}

/** Ends of topics at a moment: by topic, by partition. */
export type TopicEnds = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** No row from `row` on had been sent when the topics ended there: its request and its answer are at those ends or behind. */
export interface Mark {
  readonly row: number;
  readonly ends: TopicEnds;
}

/** How far a job is. */
export interface Checkpoint {
  /** Rows whose answers are in the spool. */
  readonly released: number;
  readonly spoolBytes: number;
  readonly tally: Tally;
  /** The newest mark at or before `released`. */
  readonly mark: Mark;
}

const BUFFER_CHARACTERS = 256 * 1024;
const LINE_MAX_CHARACTERS = 64 * 1024 * 1024;

/** The folder beside the output where a job keeps what it must not forget: what it is, the answers in the order of the rows, how far it is. */
export class JobFolder {
  private readonly lockFile: string;
  private readonly answersFile: string;
  private fd: number | undefined;
  private buffer: string[] = [];
  private bufferedCharacters = 0;
  private writtenBytes = 0;

  private constructor(readonly path: string) {
    this.lockFile = join(path, 'lock');
    this.answersFile = join(path, 'answers.jsonl');
  }

  /** @throws ContractError `conflict` when another process is at work on it, `invalid_request` when the folder cannot be made */
  static open(path: string, { restart }: { restart: boolean }): JobFolder {
    const folder = new JobFolder(path);
    try {
      mkdirSync(path, { recursive: true });
      folder.lock();
    } catch (error) {
      if (error instanceof ContractError) throw error;
      throw new ContractError('invalid_request', `cannot write to ${path}: ${(error as Error).message}`, { cure: 'Choose an --output in a folder that is there and may be written to.' });
    }
    if (restart) for (const name of ['job.json', 'checkpoint.json', 'answers.jsonl']) rmSync(join(path, name), { force: true });
    return folder;
  }

  static exists(path: string): boolean {
    return existsSync(join(path, 'job.json'));
  }

  get job(): Job | undefined {
    return this.read<Job>('job.json');
  }

  set job(job: Job) {
    this.write('job.json', job);
  }

  /** Goes on where the checkpoint was taken; what was written after it is forgotten. */
  openSpool(checkpoint: Checkpoint | undefined): void {
    this.fd = openSync(this.answersFile, 'a');
    this.writtenBytes = checkpoint?.spoolBytes ?? 0;
    ftruncateSync(this.fd, this.writtenBytes);
  }

  get checkpoint(): Checkpoint | undefined {
    return this.read<Checkpoint>('checkpoint.json');
  }

  append(line: string): void {
    this.buffer.push(line);
    this.bufferedCharacters += line.length;
    if (this.bufferedCharacters >= BUFFER_CHARACTERS) this.flush();
  }

  /** The answers are on the disk before the checkpoint speaks of them. */
  saveCheckpoint(released: number, tally: Tally, mark: Mark): void {
    this.flush();
    fdatasyncSync(this.fd!);
    this.write('checkpoint.json', { released, tally, mark, spoolBytes: this.writtenBytes } satisfies Checkpoint);
  }

  /** All answers, in the order of the rows. */
  async *answers(): AsyncGenerator<RowAnswer[]> {
    const text = createReadStream(this.answersFile, { encoding: 'utf8', highWaterMark: BUFFER_CHARACTERS });
    for await (const lines of linesOf(text as AsyncIterable<string>, LINE_MAX_CHARACTERS)) yield lines.map((line) => JSON.parse(line.text) as RowAnswer);
  }

  /** Lets go of it; the job can be gone on with. */
  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    rmSync(this.lockFile, { force: true });
  }

  remove(): void {
    // Without it there is no job, however much of the rest is left by whoever is killed here.
    rmSync(join(this.path, 'job.json'), { force: true });
    this.close();
    rmSync(this.path, { recursive: true, force: true });
  }

  private flush(): void {
    if (this.buffer.length === 0) return;
    const bytes = Buffer.from(`${this.buffer.join('\n')}\n`);
    for (let written = 0; written < bytes.length; ) written += writeSync(this.fd!, bytes, written);
    this.writtenBytes += bytes.length;
    this.buffer = [];
    this.bufferedCharacters = 0;
  }

  private read<T>(name: string): T | undefined {
    try {
      return JSON.parse(readFileSync(join(this.path, name), 'utf8')) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new ContractError('conflict', `${join(this.path, name)} cannot be read: ${(error as Error).message}`, { cure: 'Start the job anew with --restart.' });
    }
  }

  private write(name: string, value: unknown): void {
    const file = join(this.path, name);
    writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`, { flush: true });
    renameSync(`${file}.new`, file);
  }

  private lock(): void {
    try {
      writeFileSync(this.lockFile, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(readFileSync(this.lockFile, 'utf8'));
      if (isAlive(owner)) throw new ContractError('conflict', `process ${owner} is at work on ${this.path}`, { cure: `Wait for it. If it is something else that has this number by now, remove ${this.lockFile}.` });
      // Killed: what it has left is gone on with.
      writeFileSync(this.lockFile, String(process.pid));
    }
  }
}

export const freshCheckpoint = (ends: TopicEnds): Checkpoint => ({ released: 0, spoolBytes: 0, tally: NO_TALLY, mark: { row: 0, ends } });

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
