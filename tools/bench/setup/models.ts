import type { ModelDeployment, ServedVersion } from '@throughline/contracts';
import { gradientBoostedTreesGraph, randomTreeEnsemble, sha256Hex } from '@throughline/onnx';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ENTITY_ROLE, FEATURES, featureNames, MODEL, STORED_FEATURES, VIEW } from './requests.ts';

export interface Artifact {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Gradient-boosted trees as they are in use: 200 of depth 5 on 30 features. Each seed is another model. */
export function treesArtifact(seed: number): Artifact {
  const bytes = gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 200, depth: 5, features: FEATURES, seed }));
  return { bytes, sha256: sha256Hex(bytes) };
}

/** Serves artifacts as the registry would, so that the worker fetches, verifies and warms them in its ordinary way. */
export class ArtifactServer {
  private readonly bySha256 = new Map<string, Uint8Array>();

  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<ArtifactServer> {
    const server = createServer();
    const artifacts = new ArtifactServer(server);
    server.on('request', (request, response) => {
      const bytes = artifacts.bySha256.get(request.url?.split('/').at(-1) ?? '');
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(Buffer.from(bytes));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return artifacts;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  add(artifact: Artifact): Artifact {
    this.bySha256.set(artifact.sha256, artifact.bytes);
    return artifact;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** What the registry would publish for an artifact of this shape. */
export function deploymentOf({ artifact, revision, storedFeatures = false }: { artifact: Artifact; revision: number; storedFeatures?: boolean }): ModelDeployment {
  const firstStored = FEATURES - STORED_FEATURES;
  const champion: ServedVersion = {
    version: String(revision), artifactSha256: artifact.sha256, sizeBytes: artifact.bytes.length,
    signature: {
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, FEATURES] }],
      outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
      features: featureNames.map((name, index) => ({
        name, kind: 'numeric',
        ...(storedFeatures && index >= firstStored && { from: { view: VIEW.view, viewVersion: VIEW.viewVersion, feature: name, entityRole: ENTITY_ROLE } }),
      })),
      ...(storedFeatures && { entities: { [ENTITY_ROLE]: VIEW.entityType } }),
      task: 'regression', score: { output: 'probability', index: 0 },
    },
  };
  return { model: MODEL, revision, updatedAt: new Date().toISOString(), challengers: [], shadows: [], champion };
}
