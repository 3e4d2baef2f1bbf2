/** What is told of an alert. */
export interface Alert {
  readonly tier: string;
  readonly kind: string;
  readonly subject: string;
  readonly summary: string;
}

/** Alerts of a kind in one phrase each, for they tend to come in flocks; one that is alone says what it has to say. */
export function alertPhrases(alerts: readonly Alert[]): string[] {
  const kinds = Map.groupBy(alerts, ({ tier, kind }) => `${tier}: ${kind.replaceAll('_', ' ')}`);
  return [...kinds].map(([kind, ofKind]) => (ofKind.length === 1 ? `${ofKind[0]!.tier}: ${ofKind[0]!.summary}` : `${kind} of ${[...new Set(ofKind.map(({ subject }) => subject))].join(', ')}`));
}
