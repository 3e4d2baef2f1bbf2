import { ContractError } from '@throughline/contracts';
import { bearer } from '@throughline/settings';

export interface RegistryReaderOptions {
  readonly url: string;
  /** With which the ledger names itself to the registry. */
  readonly serviceKey?: string | undefined;
  readonly timeoutMs: number;
}

/** Reads JSON from the registry. */
export class RegistryReader {
  constructor(private readonly options: RegistryReaderOptions) {}

  /** @throws ContractError `not_found` where the registry has nothing there, `unavailable` when it does not answer as it should */
  async get<T>(path: string): Promise<T> {
    const { url, serviceKey, timeoutMs } = this.options;
    try {
      const response = await fetch(`${url}${path}`, { headers: bearer(serviceKey), signal: AbortSignal.timeout(timeoutMs) });
      if (response.ok) return (await response.json()) as T;
      await response.body?.cancel();
      if (response.status === 404 || response.status === 400) throw new ContractError('not_found', `the registry has no ${path}`);
      throw new ContractError('unavailable', `the registry answered ${response.status}`);
    } catch (cause) {
      if (cause instanceof ContractError) throw cause;
      throw new ContractError('unavailable', `the registry does not answer: ${(cause as Error).message}`, { cause });
    }
  }
}
