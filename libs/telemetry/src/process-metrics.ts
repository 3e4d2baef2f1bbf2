import { performance } from 'node:perf_hooks';
import { observableCounter, observableGauge } from './metrics.js';
import { METRICS } from './names.js';

let started = false;

/** What every Node process can say of itself, under the names dashboards already know. Once per process. */
export function observeProcess(): void {
  if (started) return;
  started = true;
  observableCounter(METRICS.processCpuSeconds, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  observableGauge(METRICS.processResidentBytes, () => process.memoryUsage.rss());
  observableGauge(METRICS.heapUsedBytes, () => process.memoryUsage().heapUsed);
  let last = performance.eventLoopUtilization();
  observableGauge(METRICS.eventLoopUtilization, () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  });
}
