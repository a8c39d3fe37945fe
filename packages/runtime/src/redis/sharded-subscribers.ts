import { type Cluster, Redis } from "ioredis";

/** The part of ioredis that subscribes at each master, and its connection to one of them. They have no public names. */
interface SubscriberGroup {
  readonly shardedSubscribers: ReadonlyMap<string, ShardedSubscriber>;
  stop(): void;
}
interface ShardedSubscriber {
  getInstance(): unknown;
}

function isSubscriberGroup(value: unknown): value is SubscriberGroup {
  return typeof value === "object" && value !== null && "shardedSubscribers" in value && "stop" in value;
}

/**
 * Lets a Cluster connection subscribe again after it was restarted while it connected to a master for its subscriptions.
 *
 * ioredis stops such a connection by removing all its listeners, including those that end the attempt to connect. The attempt then never
 * ends, the group's reset waits for it for ever, and every later reset waits for that one: the process subscribes to nothing any more.
 */
export function endPendingSubscribers(cluster: Cluster): void {
  const group: unknown = Reflect.get(cluster, "shardedSubscribers");
  if (!isSubscriberGroup(group)) return;
  const stop = group.stop.bind(group);
  group.stop = () => {
    for (const subscriber of group.shardedSubscribers.values()) {
      const redis = subscriber.getInstance();
      if (redis instanceof Redis && redis.status !== "ready") redis.emit("close"); // rejects the attempt
    }
    stop();
  };
}
