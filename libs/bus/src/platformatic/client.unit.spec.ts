import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientOptions } from './client.js';

const KAFKA_BROKERS = ['a:1', 'b:2'];

describe('the client’s options', () => {
  it('talk plain text without credentials by default', () => {
    const options = clientOptions({ KAFKA_BROKERS }, 'me');
    expect(options).toMatchObject({ bootstrapBrokers: KAFKA_BROKERS, clientId: 'me' });
    expect(options).not.toHaveProperty('tls');
    expect(options).not.toHaveProperty('sasl');
  });

  it('take authorities, certificate and key from the files given', () => {
    const folder = mkdtempSync(join(tmpdir(), 'throughline-tls-'));
    const file = (name: string): string => {
      writeFileSync(join(folder, name), name);
      return join(folder, name);
    };
    const settings = {
      KAFKA_BROKERS,
      KAFKA_TLS_ENABLED: true,
      KAFKA_TLS_CA_FILE: file('ca'),
      KAFKA_TLS_CERT_FILE: file('cert'),
      KAFKA_TLS_KEY_FILE: file('key'),
    };
    expect(clientOptions(settings, 'me')).toMatchObject({ tls: { ca: ['ca'], cert: 'cert', key: 'key' }, tlsServerName: true });
    expect(clientOptions({ KAFKA_BROKERS, KAFKA_TLS_ENABLED: true }, 'me').tls).toEqual({});
  });

  it('need the whole of the credentials, and name the mechanism as the protocol does', () => {
    const settings = { KAFKA_BROKERS, KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'u' } as const;
    expect(() => clientOptions(settings, 'me')).toThrow('KAFKA_SASL_PASSWORD');
    expect(clientOptions({ ...settings, KAFKA_SASL_PASSWORD: 'p' }, 'me').sasl).toEqual({ mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' });
  });

  it('say what is missing without brokers', () => {
    expect(() => clientOptions({ KAFKA_BROKERS: undefined }, 'me')).toThrow('KAFKA_BROKERS is not set');
  });
});
