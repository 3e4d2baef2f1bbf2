import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { GetObjectCommand, HeadBucketCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ContractError } from '@throughline/contracts';
import { ArtifactFiles, openIncoming, type StoredArtifact } from './artifacts.js';

export interface S3Options {
  readonly bucket: string;
  /** Of another provider than Amazon. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** Precedes every key. */
  readonly prefix: string;
  /** Bucket in the path instead of the host name. */
  readonly isPathStyle: boolean;
}

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;

const silent = (): void => undefined;
/** Whatever fails is thrown as well; left to itself the client writes to the console. */
const NO_LOGGER = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/** Artifacts in a bucket. Credentials are found by the SDK's own chain (environment, profile, workload identity). */
export class S3Artifacts extends ArtifactFiles {
  private constructor(private readonly client: S3Client, private readonly options: S3Options, incoming: string) {
    super(incoming);
  }

  static async open(incoming: string, options: S3Options, nowMs: number): Promise<S3Artifacts> {
    const { endpoint, region, isPathStyle } = options;
    const client = new S3Client({
      region, forcePathStyle: isPathStyle, ...(endpoint === undefined ? {} : { endpoint }),
      logger: NO_LOGGER,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
    });
    return new S3Artifacts(client, options, await openIncoming(incoming, nowMs));
  }

  async keep(path: string, sha256: string): Promise<void> {
    const { size } = await stat(path);
    // The store compares the hash with what arrives: an object is either whole or not there.
    const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
    await this.ask(() => this.client.send(new PutObjectCommand({ ...this.place(sha256), Body: createReadStream(path), ContentLength: size, ContentType: 'application/octet-stream', ChecksumSHA256 })));
    await rm(path, { force: true });
  }

  async ping(): Promise<void> {
    await this.ask(() => this.client.send(new HeadBucketCommand({ Bucket: this.options.bucket })));
  }

  protected async open(sha256: string): Promise<StoredArtifact | undefined> {
    const found = await this.ask(async () => {
      try {
        return await this.client.send(new GetObjectCommand(this.place(sha256)));
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    });
    return found?.Body === undefined ? undefined : { stream: found.Body as Readable, sizeBytes: found.ContentLength ?? 0 };
  }

  private place(sha256: string) {
    return { Bucket: this.options.bucket, Key: `${this.options.prefix}${sha256}` };
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const { name, message } = cause as Error;
      throw new ContractError('unavailable', `the artifact store (bucket “${this.options.bucket}”) does not do as it is asked: ${name}: ${message}`, {
        cause, cure: 'Check REGISTRY_S3_ENDPOINT, REGISTRY_S3_BUCKET, REGISTRY_S3_REGION and the credentials.',
      });
    }
  }
}
