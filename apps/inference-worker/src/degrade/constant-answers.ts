import type { Fallback, ServedVersion } from '@throughline/contracts';
import { PackPlanError, planPacking, type PackPlan } from '@throughline/features';
import type { ServedModel } from '../domain/answer.js';
import type { Assignment } from '../domain/assignment.js';
import { constantOutputs } from '../domain/constant-outputs.js';

type Constant = Extract<Fallback, { kind: 'constant' }>;

export interface ConstantAnswer {
  readonly outputs: NonNullable<ReturnType<typeof constantOutputs>>;
  readonly score: number | undefined;
  readonly answeredBy: ServedModel;
}

/** Answers of constant fallbacks, built once per deployment and version. */
export class ConstantAnswers {
  private readonly built = new WeakMap<Constant, Map<string, ConstantAnswer | undefined>>();
  private readonly unloaded = new WeakMap<ServedVersion, ServedModel>();

  /**
   * @param replaced the version that should have answered; the champion as the deployment names it where none is warm
   * @returns `undefined` when the values do not have the datatypes of the version's outputs, or the deployment names no champion
   */
  of(constant: Constant, replaced: ServedModel | undefined, { model, declaredChampion }: Pick<Assignment<unknown>, 'model' | 'declaredChampion'>): ConstantAnswer | undefined {
    const answeredBy = replaced ?? (declaredChampion === undefined ? undefined : this.unloadedOf(model, declaredChampion));
    if (answeredBy === undefined) return undefined;
    let ofVersions = this.built.get(constant);
    if (ofVersions === undefined) this.built.set(constant, (ofVersions = new Map()));
    const key = `${answeredBy.version}\n${answeredBy.artifactSha256}`;
    if (!ofVersions.has(key)) ofVersions.set(key, build(constant, answeredBy));
    return ofVersions.get(key);
  }

  private unloadedOf(model: string, declared: ServedVersion): ServedModel {
    const known = this.unloaded.get(declared);
    if (known !== undefined) return known;
    const { version, artifactSha256, signature } = declared;
    const served: ServedModel = { model, version, artifactSha256, signature, plan: planOf(signature), lookups: [], runtime: 'none' };
    this.unloaded.set(declared, served);
    return served;
  }
}

function build(constant: Constant, answeredBy: ServedModel): ConstantAnswer | undefined {
  const outputs = constantOutputs(constant, answeredBy.signature.outputs);
  return outputs === undefined ? undefined : { outputs, score: constant.score, answeredBy };
}

/** A signature that does not fit its model may be why that was never loaded; a constant answers all the same. */
function planOf(signature: ServedVersion['signature']): PackPlan {
  try {
    return planPacking(signature);
  } catch (error) {
    if (error instanceof PackPlanError) return { features: signature.features, inputs: [], indexOf: new Map() };
    throw error;
  }
}
