import { join } from 'node:path';

export const javaCommand = (env: NodeJS.ProcessEnv): string => (env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java');

/** Heap and logging; `-cp` with a wildcard is expanded by Java itself. */
export const jvmArguments = (libsFolder: string, log4jFile: string, heapMb: number): string[] => [
  `-Xmx${heapMb}m`,
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${log4jFile}`,
  '-cp',
  join(libsFolder, '*'),
];
