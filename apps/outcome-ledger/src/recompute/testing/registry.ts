import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ModelSignature, ServedVersion } from '@throughline/contracts';

/** What a registry serves of artifacts and versions, over HTTP. */
export interface TestRegistry {
  readonly url: string;
  readonly requests: string[];
  /** JSON by path. */
  readonly documents: Map<string, unknown>;
  /** Puts an artifact in, as a version to deploy. */
  version(version: string, artifact: Uint8Array, signature: ModelSignature, more?: Partial<ServedVersion>): ServedVersion;
  /** Lets another artifact be served under a hash, or none. */
  replace(sha256: string, bytes: Uint8Array | undefined): void;
  close(): void;
}

export async function startRegistry(): Promise<TestRegistry> {
  const artifacts = new Map<string, Uint8Array>();
  const documents = new Map<string, unknown>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const bytes = artifacts.get(path.split('/').at(-1) ?? '');
    if (documents.has(path)) response.setHeader('content-type', 'application/json').end(JSON.stringify(documents.get(path)));
    else if (path.startsWith('/registry/v1/artifacts/') && bytes !== undefined) response.end(Buffer.from(bytes));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, documents,
    version: (version, artifact, signature, more = {}) => {
      const artifactSha256 = createHash('sha256').update(artifact).digest('hex');
      artifacts.set(artifactSha256, artifact);
      return { version, artifactSha256, sizeBytes: artifact.byteLength, signature, ...more };
    },
    replace: (sha256, bytes) => void (bytes === undefined ? artifacts.delete(sha256) : artifacts.set(sha256, bytes)),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
