import { ContractError, TOPIC_NAMES, type TopicName } from '@throughline/contracts';

/**
 * A topic of somebody's own that says what one of the contract says: that one's name, a dot, and a name, such as
 * `prediction.requested.v1.team-a`. Schema, partitions and retention are those of the topic it extends.
 */
export type OwnTopic<T extends TopicName = TopicName> = `${T}.${string}`;

/** Any topic of an installation, without the installation's prefix. */
export type AnyTopic<T extends TopicName = TopicName> = T | OwnTopic<T>;

const isExtended = (topic: string, base: TopicName): boolean => topic.length > base.length + 1 && topic.startsWith(`${base}.`);

/** The topic of the contract that a name is or extends. */
export function baseTopicOf(topic: string): TopicName | undefined {
  return TOPIC_NAMES.find((base) => topic === base || isExtended(topic, base));
}

/** Whether a topic is somebody's own. */
export const isOwnTopic = (topic: string): topic is OwnTopic => TOPIC_NAMES.some((base) => isExtended(topic, base));

/** Whether a name, say of a deployment's `requestTopics`, is a topic of somebody's own that says what `base` says. */
export function isOwnTopicOf<T extends TopicName>(topic: string, base: T): topic is OwnTopic<T> {
  return isExtended(topic, base);
}

/**
 * A name from outside, checked.
 *
 * @throws ContractError `invalid_request` when no topic of the contract is called so or extended by it
 */
export function toTopic(topic: string): AnyTopic {
  if (baseTopicOf(topic) === undefined)
    throw new ContractError('invalid_request', `"${topic}" is no topic of this installation: it neither is nor extends one of the contract’s`);
  return topic as AnyTopic;
}

/** The topic that a subscription reads. */
export const topicOf = ({ topic, ownTopic }: { readonly topic: TopicName; readonly ownTopic?: OwnTopic | undefined }): AnyTopic => ownTopic ?? topic;
