import { createBus } from '@throughline/bus/client';
import { doctor, renderChecks, type Check, type PortNeed } from '@throughline/local-stack';
import { servicePort, SERVICES, type ServiceName } from '@throughline/settings';
import type { Command } from 'commander';
import { CLIENT } from '../client.js';
import { readConfig, type CliConfig } from '../config.js';
import { ask } from '../http.js';

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check whether this machine can run Throughline; each failure comes with its cure')
    .addHelpText('after', '\nExit code 0: everything is there; 1: something is not.\n\nExample:\n  npx throughline doctor')
    .action(async () => {
      const checks = await examine(readConfig(process.env));
      process.stdout.write(`${renderChecks(checks)}\n`);
      process.exitCode = checks.every(({ ok }) => ok) ? 0 : 1;
    });
}

/** A platform that runs has its ports, of course; then its health is looked at instead. */
async function examine(config: CliConfig): Promise<Check[]> {
  const { given, running } = config;
  const machine = await doctor({
    home: config.THROUGHLINE_HOME, localKafka: !given.kafka, localPostgres: !given.postgres, ports: running === undefined ? portsOf(config) : [], env: process.env,
  });
  const kafka = given.kafka || running !== undefined ? [kafkaCheck(config)] : [];
  const platform = running === undefined ? [] : [platformCheck(config.PLATFORM_URL), auditCheck(config.REGISTRY_URL)];
  return [...machine, ...(await Promise.all([...kafka, ...platform]))];
}

/** Those that `npm start` would listen on; of what is somebody else's, and of what takes any free one, none. */
function portsOf({ PORT: base, LOCAL_KAFKA_PORT, LOCAL_KAFKA_CONTROLLER_PORT, LOCAL_POSTGRES_PORT, given }: CliConfig): PortNeed[] {
  const kafka = given.kafka ? [] : [{ port: LOCAL_KAFKA_PORT, what: 'Kafka', setting: 'LOCAL_KAFKA_PORT' }, { port: LOCAL_KAFKA_CONTROLLER_PORT, what: 'Kafka’s controller', setting: 'LOCAL_KAFKA_CONTROLLER_PORT' }];
  const postgres = given.postgres ? [] : [{ port: LOCAL_POSTGRES_PORT, what: 'PostgreSQL', setting: 'LOCAL_POSTGRES_PORT' }];
  const services = (Object.keys(SERVICES) as ServiceName[]).map((name) => ({ port: servicePort(name, base), what: name, setting: 'PORT' }));
  return [{ port: base, what: 'platform', setting: 'PORT' }, ...services, ...kafka, ...postgres].filter(({ port }) => port > 0);
}

async function kafkaCheck(config: CliConfig): Promise<Check> {
  const name = 'Kafka';
  const bus = createBus(config, CLIENT);
  try {
    await bus.admin.ping();
    return { name, ok: true, detail: `answers at ${config.KAFKA_BROKERS.join(',')}`, cure: '' };
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message, cure: 'check KAFKA_BROKERS and the KAFKA_TLS_* and KAFKA_SASL_* settings' };
  } finally {
    await bus.close();
  }
}

async function platformCheck(url: string): Promise<Check> {
  const name = 'Platform';
  try {
    const { ok, status } = await fetch(`${url}/health/ready`);
    return ok ? { name, ok, detail: `ready at ${url}`, cure: '' } : { name, ok, detail: `${url}/health/ready answers ${status}`, cure: `curl ${url}/health/ready names what is not ready` };
  } catch {
    return { name, ok: false, detail: `announced at ${url}, but does not answer`, cure: 'npm start' };
  }
}

/** Whether the database keeps the registry from changing its own audit. */
async function auditCheck(registryUrl: string): Promise<Check> {
  const name = 'Audit';
  try {
    const { role, weaknesses } = await ask<{ role: string; weaknesses: readonly string[] }>(`${registryUrl}/registry/v1/audit/protection`);
    if (weaknesses.length === 0) return { name, ok: true, detail: `append-only also for the registry’s own role ${role}`, cure: '' };
    return { name, ok: false, detail: `the registry’s role ${role} could change it: ${weaknesses.join(', ')}`, cure: 'give DATABASE_OWNER_URL, and a DATABASE_URL whose role owns nothing (docs/security.md)' };
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message, cure: 'npm start; THROUGHLINE_API_KEY where callers must say who they are' };
  }
}
