import { startServices } from './services.mjs';

// One Kafka and one PostgreSQL to run many test runs against: keep this running, and paste its lines into the other terminal.
const services = await startServices({}, (doing) => process.stderr.write(`${doing}\n`));
for (const [name, value] of Object.entries(services.env)) process.stdout.write(`export ${name}='${value}'\n`);
process.stderr.write('Running until Ctrl-C.\n');

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    services.stop().then(() => process.exit(0));
  });
}
// The child processes do not hold the event loop once their pipes are quiet.
setInterval(() => undefined, 1 << 30);
