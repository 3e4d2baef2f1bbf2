import { SERVICES, servicePort, serviceUrl, type ServiceName } from '@throughline/settings';

/** A process that the platform keeps running. */
export interface ServicePlan {
  /** Unique: of a second worker `inference-worker-2`. */
  readonly name: string;
  readonly service: ServiceName;
  readonly port: number;
  /** What its environment has beyond the platform's own. */
  readonly env: Readonly<Record<string, string>>;
}

export interface PlanInput {
  readonly basePort: number;
  readonly workers: number;
  readonly brokers: string;
  readonly databaseUrl: string;
  /** Absolute. */
  readonly home: string;
  /** Where the registry logs in as somebody who cannot change its audit; `databaseUrl` is then its tables' owner's. */
  readonly registryDatabaseUrl?: string | undefined;
  /** Where callers must say who they are: how services know them, and how they name themselves to each other. */
  readonly keys?: { readonly json: string; readonly service: string } | undefined;
}

/** Those that call others. */
const CALLERS: readonly ServiceName[] = ['inference-worker', 'outcome-ledger', 'retraining-coordinator'];

export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

/** Every process, with its port and environment. Workers beyond the first take the ports behind the services'. */
export function planServices({ basePort, workers, brokers, databaseUrl, registryDatabaseUrl, home, keys }: PlanInput): ServicePlan[] {
  const urls = Object.fromEntries(SERVICE_NAMES.map((service) => [SERVICES[service].urlSetting, serviceUrl(service, basePort)]));
  const shared = { ...urls, HOST: '127.0.0.1', KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl, THROUGHLINE_HOME: home, ...(keys && { AUTH_KEYS: keys.json }) };
  const ofRegistry: Record<string, string> = registryDatabaseUrl === undefined ? {} : { DATABASE_URL: registryDatabaseUrl, DATABASE_OWNER_URL: databaseUrl };
  const one = (name: string, service: ServiceName, port: number): ServicePlan => ({
    name, service, port,
    env: { ...shared, PORT: String(port), ...(service === 'model-registry' && ofRegistry), ...(keys && CALLERS.includes(service) && { AUTH_SERVICE_KEY: keys.service }) },
  });
  const firsts = SERVICE_NAMES.map((service) => one(service, service, servicePort(service, basePort)));
  const further = Array.from({ length: workers - 1 }, (_, index) =>
    one(`inference-worker-${index + 2}`, 'inference-worker', basePort + SERVICE_NAMES.length + 1 + index),
  );
  return [...firsts, ...further];
}

/** Public paths of the one origin, by the service that serves them. Services mount them in full, so any ingress can do the same. */
export const ROUTES: Readonly<Record<ServiceName, readonly string[]>> = {
  'inference-worker': ['/v2'],
  'model-registry': ['/registry', '/api/2.0'],
  'feature-store': ['/features', '/get-online-features', '/push'],
  'outcome-ledger': ['/ledger'],
  'drift-monitor': ['/monitor'],
  'retraining-coordinator': ['/retraining'],
};
