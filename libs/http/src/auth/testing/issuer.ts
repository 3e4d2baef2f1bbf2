import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

interface Signer {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** An OpenID Connect issuer, as far as resource servers see one: its discovery document, its public keys, tokens that it signs. */
export class TestIssuer {
  private readonly signers: Signer[] = [];
  private server: Server | undefined;
  private port = 0;
  /** How often its keys were asked for. */
  keyRequests = 0;

  static async start(): Promise<TestIssuer> {
    const issuer = new TestIssuer();
    await issuer.listen();
    await issuer.rotate();
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/realms/test`;
  }

  /** Signs with a new key from here on; the old one is withdrawn. */
  async rotate(): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const kid = `key-${Math.random().toString(36).slice(2)}`;
    this.signers.splice(0, this.signers.length, { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } });
  }

  get publicKey(): JWK {
    return this.signers[0]!.jwk;
  }

  token(claims: JWTPayload = {}, { audience = 'throughline', expires = '5m', issuer = this.url, kid = this.signers[0]!.kid }: { audience?: string; expires?: string | number; issuer?: string; kid?: string } = {}): Promise<string> {
    return new SignJWT({ sub: 'ada', roles: ['operator'], ...claims }).setProtectedHeader({ alg: 'ES256', kid }).setIssuer(issuer).setAudience(audience).setIssuedAt().setExpirationTime(expires).sign(this.signers[0]!.privateKey);
  }

  async listen(): Promise<void> {
    this.server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url?.endsWith('/.well-known/openid-configuration')) return response.end(JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` }));
      this.keyRequests += 1;
      return response.end(JSON.stringify({ keys: this.signers.map(({ jwk }) => jwk) }));
    });
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server!.close(resolve));
  }
}
