import type { FeaturesAsUsed } from '@throughline/contracts';
import type { Flight, FlightEvent } from '../flights/index.js';
import { AIRPORT_TRAFFIC, observationsOf, ROLES, STORED_OFFSETS, STORED_WIDTH } from './airport-traffic.js';
import { airportsOf, type ExactFeatures, type FlightFeatures } from './flight-features.js';
import { Distribution } from './distribution.js';

export interface SkewReport {
  /** Reads of an airport's values by a prediction. */
  readonly reads: number;
  /** Of those, exactly what the offline computation held at some moment: same definition, same arithmetic. */
  readonly known: number;
  /** Exactly what it held at the moment of the request. */
  readonly identical: number;
  /** Every value within its tolerance of that. */
  readonly close: number;
  /** Values of an event later than the request: a request that was scored late. */
  readonly fromTheFuture: number;
  /** Event time between the values used and the newest there were, in seconds; `undefined` without reads. */
  readonly medianBehindSeconds: number | undefined;
}

/** Busy airports go through some 300 states an hour; values used are seconds to minutes old. */
const STATES_KEPT = 1000;

/**
 * How far a value may be from the exact one and still mean the same to the model: a few flights in the hour, two points of a share,
 * a minute of delay; all a small part of what these features vary by.
 */
const TOLERANCES = AIRPORT_TRAFFIC.features.map(({ aggregate, field }) => (aggregate === 'count' ? 3 : field === 'late' ? 0.02 : 1));

/**
 * Compares the features that predictions were made with to those computed offline for the same flights. They may differ in age, for the stream
 * takes its time; what must not happen is a value that the offline computation never had.
 */
export class SkewMeter {
  /** Values of each airport after each of its last events, the oldest first. */
  private readonly states = new Map<string, (readonly number[])[]>();
  private readonly behindSeconds = new Distribution();
  private readonly tally = { reads: 0, known: 0, identical: 0, close: 0, fromTheFuture: 0 };

  constructor(private readonly features: FlightFeatures) {}

  /** Takes down the states after an event, which `features` has observed. */
  observed(event: FlightEvent): void {
    for (const { entityId } of observationsOf(event)) {
      const states = this.states.get(entityId) ?? [NO_VALUES];
      this.states.set(entityId, states);
      states.push(this.features.stateOf(entityId).values);
      if (states.length > STATES_KEPT * 2) states.splice(0, STATES_KEPT);
    }
  }

  compare(flight: Flight, used: FeaturesAsUsed, exact: ExactFeatures): void {
    const airports = airportsOf(flight);
    ROLES.forEach((role, index) => {
      const offset = STORED_OFFSETS[index]!;
      const values = storedValues(used, offset);
      const exactValues = exact.row.slice(offset, offset + STORED_WIDTH);
      const isIdentical = equal(values, exactValues);
      this.tally.reads += 1;
      if (isIdentical) this.tally.identical += 1;
      if (values.every((value, at) => isClose(value, exactValues[at]!, TOLERANCES[at]!))) this.tally.close += 1;
      if (isIdentical || this.states.get(airports[index]!)?.findLast((state) => equal(state, values)) !== undefined) this.tally.known += 1;
      this.addAge(ageSecondsOf(used, role), exact.ageSeconds[index]!);
    });
  }

  report(): SkewReport {
    return { ...this.tally, medianBehindSeconds: this.behindSeconds.quantile(0.5) };
  }

  private addAge(usedSeconds: number | undefined, exactSeconds: number): void {
    if (usedSeconds === undefined) return;
    if (usedSeconds < 0) this.tally.fromTheFuture += 1;
    this.behindSeconds.add(Math.max(0, usedSeconds - exactSeconds));
  }
}

const NO_VALUES: readonly number[] = AIRPORT_TRAFFIC.features.map(() => Number.NaN);

function storedValues({ values, defaulted }: FeaturesAsUsed, offset: number): number[] {
  return Array.from({ length: STORED_WIDTH }, (_, at) => {
    const value = values[offset + at];
    return typeof value === 'number' && defaulted?.includes(offset + at) !== true ? value : Number.NaN;
  });
}

/** An age is reported for each role in which the model reads the view. */
function ageSecondsOf({ ageSeconds }: FeaturesAsUsed, role: string): number | undefined {
  return Object.entries(ageSeconds ?? {}).find(([label]) => label.startsWith(AIRPORT_TRAFFIC.name) && label.endsWith(`/${role}`))?.[1];
}

const equal = (a: readonly number[], b: readonly number[]): boolean => a.every((value, at) => Object.is(value, b[at]));
const isClose = (a: number, b: number, tolerance: number): boolean => Object.is(a, b) || Math.abs(a - b) <= tolerance;
