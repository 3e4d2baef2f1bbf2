import { describe, expect, it } from 'vitest';
import { judgeDisk, judgeJava, judgeMaven, judgeNode, judgePort, renderChecks } from './judge.js';

describe('doctor', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', true],
    ['openjdk version "21" 2023-09-19', true],
    ['openjdk version "11.0.2" 2019-01-15', false],
    ['java version "1.8.0_292"', false],
    ['garbage', false],
    [undefined, false],
  ])('judges Java by %j', (output, ok) => {
    expect(judgeJava(output, 'linux').ok).toBe(ok);
  });

  it('names the package manager of the system in the cure', () => {
    expect(judgeJava(undefined, 'darwin').cure).toContain('brew install openjdk@17');
    expect(judgeJava(undefined, 'linux').cure).toContain('apt-get install openjdk-17-jre-headless');
  });

  it('does without Maven once Kafka is fetched', () => {
    expect(judgeMaven(undefined, true, 'linux').ok).toBe(true);
    expect(judgeMaven(undefined, false, 'linux')).toMatchObject({ ok: false, detail: 'no mvn on PATH' });
    expect(judgeMaven('Apache Maven 3.8.7\n', false, 'linux').ok).toBe(true);
  });

  it('judges Node by its major version', () => {
    expect([judgeNode('v24.21.0').ok, judgeNode('v20.20.2').ok, judgeNode('v100.0.0').ok]).toEqual([true, false, true]);
  });

  it('says who has a port', () => {
    expect(judgePort({ port: 3000, what: 'platform', setting: 'PORT' }, 'process 7 (node)')).toEqual({
      name: 'Port 3000 (platform)',
      ok: false,
      detail: 'taken by process 7 (node)',
      cure: 'end that process (is a platform running already?), or set PORT to another port',
    });
  });

  it('prints a cure only under what failed', () => {
    const text = renderChecks([judgeDisk('/data', 3 * 1024 ** 3), judgeDisk('/data', 1024 ** 3)]);
    expect(text.split('\n')).toEqual([
      '✓ Disk: 3.0 GiB free at /data',
      '✗ Disk: 1.0 GiB free at /data',
      '    cure: free 2 GiB, or set THROUGHLINE_HOME to a folder on another disk',
    ]);
  });
});
