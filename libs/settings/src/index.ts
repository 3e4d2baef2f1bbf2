export { commonSettings, DEFAULT_PORT, servicePort, SERVICES, serviceUrl } from './common.js';
export type { ServiceName, ServiceUrlSetting } from './common.js';
export { bearer, doorSettings } from './doors.js';
export { defineSettings, parseSettings, required, SettingError, withDefault } from './define.js';
export type { Parsed, Setting, Settings } from './define.js';
export * as parsers from './parsers.js';
export { parser } from './parsers.js';
export type { Parser } from './parsers.js';
export { settingsEnvFile, settingsTable } from './render.js';
