/** What is told of an alert. */
export interface Alert {
  readonly tier: string;
  readonly kind: string;
  readonly subject: string;
}

/** Alerts of a kind in one phrase each: they tend to come in flocks. */
export function alertPhrases(alerts: readonly Alert[]): string[] {
  const kinds = Map.groupBy(alerts, ({ tier, kind }) => `${tier}: ${kind.replaceAll('_', ' ')}`);
  return [...kinds].map(([kind, ofKind]) => `${kind} of ${[...new Set(ofKind.map(({ subject }) => subject))].join(', ')}`);
}
