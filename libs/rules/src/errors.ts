/** Where in a document something is wrong. */
export interface RulesErrorPlace {
  /** Name of the output whose expression it is. */
  readonly output?: string;
  /** Character of that expression, from 1. */
  readonly position?: number;
  /** What to do about it. */
  readonly cure: string;
}

/** A rules document that cannot be used. `message` is the reason with its place. */
export class RulesError extends Error {
  override readonly name = 'RulesError';
  /** What is wrong, without its place. */
  readonly reason: string;
  readonly output: string | undefined;
  readonly position: number | undefined;
  readonly cure: string;

  constructor(reason: string, { output, position, cure }: RulesErrorPlace) {
    const place = output === undefined ? '' : `output “${output}”${position === undefined ? '' : `, character ${position}`}: `;
    super(place + reason);
    this.reason = reason;
    this.output = output;
    this.position = position;
    this.cure = cure;
  }
}
