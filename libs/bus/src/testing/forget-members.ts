import { clientOptions, library } from '../platformatic/client.js';
import type { BusSettings } from '../settings.js';

/**
 * Tells the broker at once what it would find out when their sessions time out, ten seconds later: that the members of a service's groups
 * are gone. For tests that have killed the only instance and now start the next one: nothing else about the kill is made gentler, as what
 * was not committed stays so. That sessions do end by themselves is what the bus's own specs show.
 *
 * @param settings brokers and the prefix of the installation
 * @param service whose groups, as in `inference-worker`
 */
export async function forgetMembers(settings: BusSettings & { readonly KAFKA_TOPIC_PREFIX?: string | undefined }, service: string): Promise<void> {
  const { Admin } = library();
  const admin = new Admin(clientOptions(settings, 'test'));
  try {
    const groups = await admin.listGroups({});
    const theirs = [...groups.keys()].filter((group) => group.startsWith(`${settings.KAFKA_TOPIC_PREFIX ?? ''}${service}.`));
    await Promise.all(theirs.map((groupId) => admin.removeMembersFromConsumerGroup({ groupId, members: null })));
  } finally {
    await admin.close();
  }
}
