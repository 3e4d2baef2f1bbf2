import { ContractError, type ServedVersion } from '@throughline/contracts';
import { planPacking, type PackPlan } from '@throughline/features';
import { compileRules, parseRules, RulesError, type CompiledRules } from '@throughline/rules';
import { RulesBatch, type PreparedBatch } from './prepared-batch.js';
import type { ArtifactSource } from './trusted-artifacts.js';

/** A version that is rules: a few kilobytes that are always in memory and run where they are asked. */
export class RulesBody {
  readonly isInline = true;

  private constructor(
    /** Each feature is an input of its own, whatever the signature was registered with. */
    readonly plan: PackPlan,
    private readonly rules: CompiledRules,
  ) {}

  /** @throws ContractError `rules_invalid`, `artifact_load_failed` for other rules than were registered, or one of `ArtifactSource.get` */
  static async load(served: ServedVersion, artifacts: ArtifactSource): Promise<RulesBody> {
    const rules = compiled(await artifacts.get(served));
    const fault = rulesFault(rules, served);
    if (fault !== undefined) throw new ContractError('artifact_load_failed', fault);
    return new RulesBody(planPacking({ inputs: rules.signature.inputs, features: served.signature.features }), rules);
  }

  prepare(rowCount: number): PreparedBatch {
    return new RulesBatch(this.plan, rowCount, this.rules);
  }
}

function compiled(bytes: Uint8Array): CompiledRules {
  try {
    return compileRules(parseRules(bytes));
  } catch (cause) {
    if (cause instanceof RulesError) throw new ContractError('rules_invalid', cause.message, { cause, cure: cause.cure });
    throw cause;
  }
}

function rulesFault({ signature: own }: CompiledRules, { signature }: ServedVersion): string | undefined {
  const isSame = own.features.length === signature.features.length && own.features.every(({ name, kind }, index) => signature.features[index]!.name === name && signature.features[index]!.kind === kind);
  if (!isSame) return `the rules take ${own.features.map(({ name }) => `“${name}”`).join(', ')}, the signature has other features`;
  const { score } = signature;
  if (score !== undefined && !own.outputs.some(({ name }) => name === score.output)) return `the rules have no output “${score.output}”, which holds the score`;
  return undefined;
}
