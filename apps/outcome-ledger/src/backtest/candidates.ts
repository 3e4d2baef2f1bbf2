import { Inject, Injectable } from '@nestjs/common';
import { ContractError, type ModelSignature } from '@throughline/contracts';
import { compileRules, parseRules, RulesError } from '@throughline/rules';
import { Artifacts } from '../recompute/artifacts.js';
import { RegistryReader } from '../story/registry-reader.js';
import type { ScoringModel } from './scoring/protocol.js';

/** What is to be tried: a version that the registry has, or rules. */
export type CandidateSpec = { readonly version: string } | { readonly rules: object };

interface VersionOnRecord {
  readonly artifactSha256: string;
  readonly signature: ModelSignature;
  readonly archivedAt?: string;
}

/** A candidate that has been found and can be scored with. */
export interface Candidate {
  /** Of the registry; `undefined` of rules. */
  readonly version: string | undefined;
  readonly signature: ModelSignature;
  readonly source: { readonly artifactSha256: string } | { readonly rules: string };
}

/** Finds what backtests score with. */
@Injectable()
export class Candidates {
  constructor(@Inject(RegistryReader) private readonly registry: RegistryReader, @Inject(Artifacts) private readonly artifacts: Artifacts) {}

  /** @throws ContractError `unknown_version`, `archived`, `rules_invalid`, `unavailable`, `invalid_request` for one without a score */
  async find(model: string, spec: CandidateSpec): Promise<Candidate> {
    const candidate = 'rules' in spec ? ofRules(spec.rules) : await this.ofVersion(model, spec.version);
    if (candidate.signature.score === undefined) throw new ContractError('invalid_request', 'the candidate’s signature names no score, so there is nothing to compare');
    return candidate;
  }

  /** @throws ContractError `not_found` when its artifact is gone, `unavailable`, `artifact_hash_mismatch`, `artifact_too_large` */
  async modelOf({ signature, source }: Candidate): Promise<ScoringModel> {
    if ('rules' in source) return { signature, artifact: source };
    return { signature, artifact: { path: await this.artifacts.get(source.artifactSha256), sha256: source.artifactSha256 } };
  }

  private async ofVersion(model: string, version: string): Promise<Candidate> {
    const { artifactSha256, signature, archivedAt } = await this.read(model, version);
    if (archivedAt !== undefined) throw new ContractError('archived', `version ${version} of “${model}” is archived since ${archivedAt}`);
    return { version, signature, source: { artifactSha256 } };
  }

  private async read(model: string, version: string): Promise<VersionOnRecord> {
    try {
      return await this.registry.get<VersionOnRecord>(`/registry/v1/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`);
    } catch (thrown) {
      if (thrown instanceof ContractError && thrown.code === 'not_found') throw new ContractError('unknown_version', `the registry has no version ${version} of “${model}”`);
      throw thrown;
    }
  }
}

function ofRules(document: object): Candidate {
  const rules = JSON.stringify(document);
  try {
    const { signature } = compileRules(parseRules(Buffer.from(rules)));
    return { version: undefined, signature: signature as ModelSignature, source: { rules } };
  } catch (cause) {
    if (cause instanceof RulesError) throw new ContractError('rules_invalid', cause.message, { cause, cure: cause.cure });
    throw cause;
  }
}
