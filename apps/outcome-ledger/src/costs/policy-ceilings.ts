import { bearer } from '@throughline/settings';
import { LRUCache } from 'lru-cache';

export interface RegistryAddress {
  readonly url: string;
  readonly serviceKey: string | undefined;
}

const TIMEOUT_MS = 1_000;
const KEPT_MS = 60_000;
/** A report asks for no more models than this at the registry. */
const MAX_ASKED = 100;

/** What a prediction of a model may cost, as its policy in the registry says. A registry that does not answer leaves ceilings unknown; the report goes on. */
export class PolicyCeilings {
  private readonly known = new LRUCache<string, { readonly ceilingMicroUsd: number | null }>({ max: 1_000, ttl: KEPT_MS });

  constructor(private readonly registry: RegistryAddress) {}

  async of(models: readonly string[]): Promise<Map<string, number | null>> {
    const asked = await Promise.all(models.slice(0, MAX_ASKED).map(async (model) => [model, await this.ceilingOf(model)] as const));
    return new Map(asked);
  }

  private async ceilingOf(model: string): Promise<number | null> {
    const known = this.known.get(model);
    if (known !== undefined) return known.ceilingMicroUsd;
    try {
      const answer = await fetch(`${this.registry.url}/registry/v1/models/${encodeURIComponent(model)}/policy`, { headers: bearer(this.registry.serviceKey), signal: AbortSignal.timeout(TIMEOUT_MS) });
      const policy = answer.ok ? ((await answer.json()) as { costCeilingMicroUsd?: number }) : {};
      const ceilingMicroUsd = policy.costCeilingMicroUsd ?? null;
      this.known.set(model, { ceilingMicroUsd });
      return ceilingMicroUsd;
    } catch {
      return null;
    }
  }
}
