import { ContractError } from '@throughline/contracts';

/** Nobody is known by what was sent, or nothing was. */
export class UnauthenticatedError extends ContractError {
  constructor(reason: string, private readonly presented: boolean, options?: ErrorOptions) {
    super('unauthenticated', reason, options);
  }

  /** For the header `www-authenticate` (RFC 6750). */
  get challenge(): string {
    return `Bearer realm="throughline"${this.presented ? ', error="invalid_token"' : ''}`;
  }
}
