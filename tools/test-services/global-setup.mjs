/**
 * Before a run that holds integration or end-to-end specs: one real Kafka and one real PostgreSQL for all of them, announced as
 * `KAFKA_BROKERS`, `DATABASE_URL` and `THROUGHLINE_HOME`, which the test processes inherit. What the environment gives is used as given.
 */
export async function setup(project) {
  const needed = project.vitest.state.getPaths().some((path) => /\.(int|e2e)\.spec\.ts$/.test(path));
  if (!needed || (process.env.KAFKA_BROKERS && process.env.DATABASE_URL)) return undefined;
  const { startServices } = await import('./services.mjs');
  const services = await startServices(process.env, (doing) => process.stderr.write(`test services: ${doing}\n`));
  Object.assign(process.env, services.env);
  return () => services.stop();
}
