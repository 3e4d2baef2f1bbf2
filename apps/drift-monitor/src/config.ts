import { commonSettings, defineSettings, parsers, parseSettings, servicePort, withDefault, type Parsed } from '@throughline/settings';

/** Also the name of its consumer groups. */
export const SERVICE = 'drift-monitor';

/** Settings of the drift monitor; the common ones are described in libs/settings. */
export const driftMonitorSettings = defineSettings({
  ...commonSettings,
  PORT: withDefault(commonSettings.PORT, servicePort('drift-monitor')),
  DRIFT_WINDOW_SECONDS: {
    meaning: 'Length of a window, in event time, of models whose policy says none; shorter than a day, and the night drifts from the day',
    unit: 's', parse: parsers.integer(1, 30 * 24 * 3600), default: 24 * 3600,
  },
  DRIFT_LATENESS_SECONDS: {
    meaning: 'How far the newest event time must be past a window’s end before it is judged; what comes later is counted apart',
    unit: 's', parse: parsers.integer(0, 30 * 24 * 3600), default: 900,
  },
  DRIFT_CORRECTABLE_OUTCOMES: {
    meaning: 'Outcomes a model that are held of judged windows, so that corrections still reach these; the oldest windows beyond that are closed for good. Some 200 MB a million',
    parse: parsers.integer(0, 100_000_000), default: 1_000_000,
  },
});

export type DriftMonitorSettings = Parsed<typeof driftMonitorSettings>;

/** Injects the settings. */
export const SETTINGS = Symbol('drift-monitor.settings');

export const readSettings = (env: Readonly<Record<string, string | undefined>>): DriftMonitorSettings => parseSettings(driftMonitorSettings, env);
