import { resolve } from 'node:path';
import { createBus, prefixedNames, type Bus } from '@throughline/bus';
import { createLogger, startTelemetry } from '@throughline/telemetry';
import { alertPhrases } from './domain/alerts.js';
import { MODEL } from './domain/flight-messages.js';
import { count, instant } from './domain/format.js';
import { ReplayBooks } from './domain/replay-books.js';
import { SCHEDULE } from './domain/schedule.js';
import { storyLines, type LedgerStory } from './domain/story.js';
import { summaryLines } from './domain/summary.js';
import { eventually } from './eventually.js';
import { install, type Installed } from './install.js';
import type { DemoOptions } from './options.js';
import { PlatformClient } from './platform/platform-client.js';
import { PositionFile } from './position-file.js';
import type { TerminalProgress } from './progress.js';
import { BacklogReader } from './replay/backlogs.js';
import { FlightReplay } from './replay/flight-replay.js';
import { Pace } from './replay/pace.js';
import { settle } from './replay/settle.js';
import { Witness } from './replay/witness.js';

const CATCH_UP_WITHIN_MS = 120_000;
const SETTLE_WITHIN_MS = 30_000;
const RETRAINED_WITHIN_MS = 30_000;

/**
 * The whole demo: model, replay, summary.
 *
 * @returns the exit code: 0 when outcomes were joined, or when it was interrupted
 */
export async function runDemo(options: DemoOptions, progress: TerminalProgress, signal: AbortSignal): Promise<number> {
  const { settings, origin } = options;
  const logger = createLogger('demo', { level: settings.LOG_LEVEL });
  const telemetry = startTelemetry({ service: 'demo', instance: String(process.pid), otlpEndpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT, logger });
  const bus = createBus(settings, { clientId: 'demo', logger });
  try {
    const platform = new PlatformClient(origin);
    const installed = await install(platform, progress, signal);
    if (signal.aborted) return 0;
    const died = bus.dead.then((error) => Promise.reject(error));
    return await Promise.race([new Demo(options, progress, signal, bus, platform, installed).run(), died]);
  } finally {
    await bus.close();
    await telemetry.shutdown();
  }
}

class Demo {
  private readonly books = new ReplayBooks();
  private readonly positions: PositionFile;
  /** How many alerts and runs the terminal has been told of. */
  private told = { alerts: 0, runs: 0 };

  constructor(
    private readonly options: DemoOptions,
    private readonly progress: TerminalProgress,
    private readonly signal: AbortSignal,
    private readonly bus: Bus,
    private readonly platform: PlatformClient,
    private readonly installed: Installed,
  ) {
    this.positions = new PositionFile(options.settings.THROUGHLINE_HOME);
  }

  async run(): Promise<number> {
    const { bus, books, progress, signal, options, installed } = this;
    const positionMs = await this.positions.read(installed.installation);
    const startMs = positionMs ?? SCHEDULE.replayFromMs;
    const replay = await this.prepare(startMs, positionMs === undefined);
    const witness = new Witness({ books, skew: replay.skew, sinceMs: Date.now() });
    progress.update('joining the topics of answers, joins and alerts');
    await witness.watch(bus);
    progress.done(`Replaying from ${instant(startMs)}, ${count(options.speed)} seconds in one, for ${options.minutes} min: a request on departure, an outcome on landing`);

    const paced = await new Pace({
      startMs, endMs: SCHEDULE.replayToMs, speed: options.speed, forMs: options.minutes * 60_000, replay, books, witness, bus, signal,
      onPosition: (publishedUntilMs) => this.positions.write(installed.installation, publishedUntilMs),
      onReport: (line) => this.report(line, witness),
    }).run();
    if (replay.hasEnded) progress.line('  That was the last flight of the file. To start over: stop the platform and remove THROUGHLINE_HOME.');
    return this.conclude(paced, { startMs, replay, witness });
  }

  private report(line: string, { alerts, runs }: Witness): void {
    for (const phrase of alertPhrases(alerts.slice(this.told.alerts))) this.progress.line(`  ${phrase}`);
    for (const { status, reason } of runs.slice(this.told.runs)) this.progress.line(`  retraining ${status}: ${reason}`);
    this.told = { alerts: alerts.length, runs: runs.length };
    this.progress.rewrite(`  ${line}`);
  }

  /** Reads what the airports were like before, and on the first run tells the feature store of it. */
  private async prepare(startMs: number, isFirst: boolean): Promise<FlightReplay> {
    const { bus, books, progress, signal } = this;
    const { warmUpMs, lookBackMs, replayToMs, replayFromMs } = SCHEDULE;
    const readFromMs = startMs - (isFirst ? warmUpMs : lookBackMs);
    const replay = new FlightReplay({ readFromMs, startMs, toMs: replayToMs, firstRequestMs: replayFromMs }, bus.producer, books, prefixedNames(this.options.settings.KAFKA_TOPIC_PREFIX));
    const published = await replay.warmUp(isFirst, (share) => {
      signal.throwIfAborted();
      progress.update(isFirst ? 'telling the feature store of the day before' : 'reading the days before', share);
    });
    if (!isFirst) {
      progress.done(`Going on where the last run ended: ${instant(startMs)}`);
      return replay;
    }
    const backlogs = new BacklogReader(bus.admin, () => performance.now());
    const isCaughtUp = async (): Promise<boolean> => {
      const behind = await backlogs.of('feature-store', 'feature.observed.v1');
      progress.update(`the feature store computes them: ${count(behind)} to go`, published === 0 ? 1 : 1 - behind / published);
      return behind === 0;
    };
    if (!(await eventually(isCaughtUp, CATCH_UP_WITHIN_MS, signal)) && !signal.aborted) throw new Error(`the feature store has not caught up within ${CATCH_UP_WITHIN_MS / 1000} s`);
    progress.done(`The feature store has counted ${count(published)} events of the day before`);
    return replay;
  }

  private async conclude(paced: Awaited<ReturnType<Pace['run']>>, { startMs, replay, witness }: { startMs: number; replay: FlightReplay; witness: Witness }): Promise<number> {
    const { books, platform, progress, signal } = this;
    const missing = await settle({
      books, platform, signal, withinMs: SETTLE_WITHIN_MS,
      onWaiting: ({ unanswered, unjoined, notInLedger }) => progress.update(`waiting until the books settle: ${count(unanswered)} to answer, ${count(unjoined)} to join, ${count(notInLedger)} to write down`),
    });
    await this.awaitRetraining(witness);
    const facts = {
      ...paced, fromMs: startMs, counts: books.counts, rejections: witness.rejections, inTheAir: books.inTheAir().length, missing, quality: witness.quality.report(),
      latencyMs: { p50: witness.latencyMs.quantile(0.5), p99: witness.latencyMs.quantile(0.99) }, versions: [...witness.versions], alerts: witness.alerts, runs: witness.runs,
      runsUnderWay: witness.runsUnderWay.size, skew: replay.skew.report(),
    };
    progress.line('');
    for (const line of summaryLines(facts)) progress.line(line);
    if (signal.aborted) return 0;
    if (witness.boldest !== undefined) await this.tell(witness.boldest.predictionId);
    return books.counts.joined > 0 ? 0 : 1;
  }

  /** A run that has begun is worth a moment: what came of it belongs into the summary. */
  private async awaitRetraining({ runsUnderWay }: Witness): Promise<void> {
    const hasEnded = (): boolean => {
      if (runsUnderWay.size > 0) this.progress.update('waiting for the retraining that has begun');
      return runsUnderWay.size === 0;
    };
    await eventually(hasEnded, RETRAINED_WITHIN_MS, this.signal);
  }

  private async tell(predictionId: string): Promise<void> {
    const { platform, progress } = this;
    const story = (await platform.story(predictionId)) as LedgerStory;
    progress.line('\nThe flight it was surest about, from request to consequence');
    for (const line of storyLines(story)) progress.line(`  ${line}`);
    progress.line('\nTry');
    for (const command of nextCommands(predictionId, story, this.options)) progress.line(`  ${command}`);
    progress.line('');
  }
}

/** The command finds the running platform in its home. */
function nextCommands(predictionId: string, story: LedgerStory, { origin, settings: { THROUGHLINE_HOME: home } }: DemoOptions): string[] {
  const prefix = resolve(home) === resolve('.throughline') ? '' : `THROUGHLINE_HOME=${home} `;
  return [
    `curl -s ${origin}/ledger/v1/predictions/${predictionId}`,
    `${prefix}npx throughline trace ${predictionId}`,
    `curl -s ${origin}/registry/v1/models/${MODEL}/versions/${story.answer?.version ?? '1'}`,
    `curl -s ${origin}/monitor/v1/models/${MODEL}/report`,
    `curl -s ${origin}/ledger/v1/summary`,
    `${prefix}npx throughline audit`,
  ];
}
