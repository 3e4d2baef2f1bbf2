import type { ModelSignature } from '@throughline/contracts';

/**
 * What producers and consumers would notice of a change of version, a sentence each: features they must send, entities, outputs, the
 * task. What the store looks up, and how tensors are laid out inside, is the version's own business.
 */
export function signatureChanges(champion: ModelSignature, candidate: ModelSignature): string[] {
  const changes = compareNamed('feature', sent(champion), sent(candidate));
  changes.push(...compareNamed('entity', entitiesOf(champion), entitiesOf(candidate)));
  changes.push(...compareNamed('output', outputsOf(champion), outputsOf(candidate)));
  if (champion.task !== candidate.task) changes.push(`task is ${candidate.task}, was ${champion.task}`);
  return changes;
}

type Named = ReadonlyMap<string, string>;

const sent = ({ features }: ModelSignature): Named => new Map(features.filter(({ from, default: value }) => from === undefined && value === undefined).map(({ name, kind }) => [name, kind]));
const entitiesOf = ({ entities = {} }: ModelSignature): Named => new Map(Object.entries(entities));
const outputsOf = ({ outputs }: ModelSignature): Named => new Map(outputs.map(({ name, datatype, shape }) => [name, `${datatype} [${shape.slice(1).join()}]`]));

function compareNamed(what: string, before: Named, after: Named): string[] {
  const gone = [...before.keys()].filter((name) => !after.has(name)).map((name) => `${what} “${name}” is gone`);
  const added = [...after.keys()].filter((name) => !before.has(name)).map((name) => `${what} “${name}” is new`);
  const changed = [...before].filter(([name, form]) => after.has(name) && after.get(name) !== form).map(([name, form]) => `${what} “${name}” is ${after.get(name)}, was ${form}`);
  return [...gone, ...added, ...changed];
}
