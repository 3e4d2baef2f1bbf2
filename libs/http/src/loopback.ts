import { isIPv4 } from 'node:net';
import { HttpError } from './problem.js';

/** Whether an address to listen on, or a name in a Host header, means this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/**
 * Without authentication the loopback address is all that protects a service, and two things in a browser can reach through it: a
 * foreign page (its Origin gives it away) and a foreign name that resolves to 127.0.0.1 (its Host does).
 *
 * @throws HttpError 403
 */
export function refuseForeign(headers: { host?: string | undefined; origin?: string | undefined }): void {
  const host = headers.host ?? '';
  if (!/^[\w.:[\]-]+$/.test(host) || !isLoopback(hostname(`http://${host}`))) {
    throw new HttpError(403, `the Host header is "${host}", not this machine`, { cure: 'Call the service as 127.0.0.1 or localhost.' });
  }
  if (headers.origin !== undefined && !isLoopback(hostname(headers.origin))) {
    throw new HttpError(403, `pages from "${headers.origin}" may not call this service`, { cure: 'Call it from a page on this machine, or without a browser.' });
  }
}

/** Hosts that callers use; more than a handful is somebody trying names. */
const MAX_KNOWN_HOSTS = 16;

/** `refuseForeign` that remembers the hosts it has let in: parsing an address costs as much as routing a request. */
export function foreignGuard(): typeof refuseForeign {
  const known = new Set<string>();
  return (headers) => {
    if (headers.origin === undefined && headers.host !== undefined && known.has(headers.host)) return;
    refuseForeign(headers);
    if (headers.host !== undefined && known.size < MAX_KNOWN_HOSTS) known.add(headers.host);
  };
}

const hostname = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');
