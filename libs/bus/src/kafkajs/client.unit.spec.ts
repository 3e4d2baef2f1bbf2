import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientConfig } from './client.js';

const KAFKA_BROKERS = ['a:1', 'b:2'];

describe('the client’s configuration', () => {
  it('talks plain text without credentials by default', () => {
    const config = clientConfig({ KAFKA_BROKERS }, 'me');
    expect(config).toMatchObject({ brokers: KAFKA_BROKERS, clientId: 'me' });
    expect(config.ssl).toBeUndefined();
    expect(config.sasl).toBeUndefined();
  });

  it('reads authorities, certificate and key from the files given', () => {
    const folder = mkdtempSync(join(tmpdir(), 'throughline-tls-'));
    const file = (name: string): string => {
      writeFileSync(join(folder, name), name);
      return join(folder, name);
    };
    const config = clientConfig(
      { KAFKA_BROKERS, KAFKA_TLS_ENABLED: true, KAFKA_TLS_CA_FILE: file('ca'), KAFKA_TLS_CERT_FILE: file('cert'), KAFKA_TLS_KEY_FILE: file('key') },
      'me',
    );
    expect(config.ssl).toEqual({ ca: ['ca'], cert: 'cert', key: 'key' });
    expect(clientConfig({ KAFKA_BROKERS, KAFKA_TLS_ENABLED: true }, 'me').ssl).toEqual({});
  });

  it('needs the whole of the credentials', () => {
    const settings = { KAFKA_BROKERS, KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'u' } as const;
    expect(() => clientConfig(settings, 'me')).toThrow('KAFKA_SASL_PASSWORD');
    expect(clientConfig({ ...settings, KAFKA_SASL_PASSWORD: 'p' }, 'me').sasl).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: 'p' });
  });

  it('says what is missing without brokers', () => {
    expect(() => clientConfig({ KAFKA_BROKERS: undefined }, 'me')).toThrow('KAFKA_BROKERS is not set');
  });
});
