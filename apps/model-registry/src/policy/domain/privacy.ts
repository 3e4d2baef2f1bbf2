import type { ModelPolicy, PrivacyPolicy } from '@throughline/contracts';
import type { PolicyFault } from './outcome.js';

/** What the versions of a model call things. */
export interface DeclaredNames {
  readonly features: ReadonlySet<string>;
  /** Of entities: those declared, and those whose features are looked up. */
  readonly roles: ReadonlySet<string>;
}

/** A feature that no version has is a typing error, and what was meant would be written down. `declared` is undefined while there is no version. */
export function privacyFault({ features = {} }: PrivacyPolicy, declared: DeclaredNames | undefined): PolicyFault | undefined {
  const unknown = declared === undefined ? undefined : Object.keys(features).find((name) => !declared.features.has(name));
  if (declared === undefined || unknown === undefined) return undefined;
  return { reason: `privacy.features names “${unknown}”, and no version has such a feature`, cure: `The features are ${[...declared.features].sort().join(', ')}; of a version to come, upload it first.` };
}

/** A policy is put whole; who meant to change one part of it hears what went with the rest. */
export function omissionWarnings(before: ModelPolicy, after: ModelPolicy): string[] {
  const left = Object.keys(before).filter((part) => !(part in after));
  return left.map((part) => `“${part}” was declared and holds no more, because the policy was put without it${part === 'privacy' ? ': what it withheld is written down from now on' : ''}`);
}

/** Requests may name entities in roles that no version declares, so that an unknown role may be right. */
export function privacyWarnings({ entities = {} }: PrivacyPolicy, declared: DeclaredNames | undefined): string[] {
  if (declared === undefined) return [];
  const unknown = Object.keys(entities).filter((role) => !declared.roles.has(role));
  return unknown.map((role) => `privacy.entities names the role “${role}”, which no version declares: if requests spell it otherwise, their entities are written down as they are`);
}
