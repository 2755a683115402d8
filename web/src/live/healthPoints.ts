import type { HealthPoints } from '../protocol/messages';

/** An hour, one point every five seconds. */
export const KEPT_POINTS = 720;

/** `later` after `earlier`, the newest hour of it. Points that both have are taken once. */
export function joinPoints(earlier: HealthPoints, later: HealthPoints): HealthPoints {
  const last = earlier.time.at(-1) ?? Number.NEGATIVE_INFINITY;
  const fresh = later.time.findIndex((time) => time > last);
  if (fresh < 0) {
    return earlier;
  }
  return zip(earlier, later, (old, added) => [...old, ...added.slice(fresh)].slice(-KEPT_POINTS));
}

type Join = <T>(earlier: T[], later: T[]) => T[];

function zip(earlier: HealthPoints, later: HealthPoints, join: Join): HealthPoints {
  return {
    time: join(earlier.time, later.time),
    connections: {
      daemons: join(earlier.connections.daemons, later.connections.daemons),
      viewers: join(earlier.connections.viewers, later.connections.viewers),
    },
    runningTasks: join(earlier.runningTasks, later.runningTasks),
    bytesInPerSecond: join(earlier.bytesInPerSecond, later.bytesInPerSecond),
    bytesOutPerSecond: join(earlier.bytesOutPerSecond, later.bytesOutPerSecond),
    fsyncMsP50: join(earlier.fsyncMsP50, later.fsyncMsP50),
    fsyncMsMax: join(earlier.fsyncMsMax, later.fsyncMsMax),
    loopLagMsMax: join(earlier.loopLagMsMax, later.loopLagMsMax),
    commitQueue: join(earlier.commitQueue, later.commitQueue),
    unflushedBytes: join(earlier.unflushedBytes, later.unflushedBytes),
    memoryBytes: join(earlier.memoryBytes, later.memoryBytes),
    descriptors: join(earlier.descriptors, later.descriptors),
    cpuPercent: join(earlier.cpuPercent, later.cpuPercent),
  };
}
