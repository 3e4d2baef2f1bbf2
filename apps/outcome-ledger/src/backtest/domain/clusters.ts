import { crc32 } from 'node:zlib';

/** Groups of routing keys: enough for an interval, few enough to sum by. */
export const CLUSTERS = 512;

/** What one key does over and over is not as much evidence as what as many keys do once. A request without a key is a key of its own. */
export const clusterOf = (routingKey: string | null, predictionId: string): number => crc32(routingKey ?? predictionId) % CLUSTERS;
