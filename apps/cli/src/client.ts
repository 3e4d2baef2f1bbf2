import type { BusOptions } from '@throughline/bus/client';

/** How this command appears to the brokers; a person waits for it, so it gives up sooner than a service. */
export const CLIENT: BusOptions = { clientId: 'throughline-cli', sendPatienceMs: 10_000 };
