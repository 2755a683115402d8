import {
  HEARTBEAT_MAX_SECONDS,
  HEARTBEAT_MIN_SECONDS,
  HEARTBEAT_SECONDS,
  type Heartbeat,
  SILENCE_MAX_SECONDS,
  SILENCE_MIN_HEARTBEATS,
  SILENCE_MIN_SECONDS,
  SILENCE_SECONDS,
  type WireLimits,
} from '../protocol/messages';

const MICROSECONDS = 1_000_000;
/** An answer to a probe that was sent in doubt: at least so long is waited for it. */
const DOUBT_SECONDS = 1;
/** The same in round trips, where those take long. */
const DOUBT_ROUND_TRIPS = 4;
// Soon, so that a round trip is known, but not while the page is still busy with its start.
const FIRST_PROBE_SECONDS = 1;

/** How often each side probes, and after how much silence the other is dead, in seconds. */
export interface Liveness {
  readonly interval: number;
  readonly silence: number;
}

export const DEFAULT_LIVENESS: Liveness = { interval: HEARTBEAT_SECONDS, silence: SILENCE_SECONDS };

/** What a hub announces, within the bounds that a peer obeys. */
export function announced(limits: Partial<WireLimits>): Liveness {
  const interval = within(
    limits.heartbeatSeconds ?? HEARTBEAT_SECONDS,
    HEARTBEAT_MIN_SECONDS,
    HEARTBEAT_MAX_SECONDS,
    HEARTBEAT_SECONDS,
  );
  const silence = within(
    limits.silenceSeconds ?? SILENCE_SECONDS,
    SILENCE_MIN_SECONDS,
    SILENCE_MAX_SECONDS,
    SILENCE_SECONDS,
  );
  return { interval, silence: Math.max(silence, SILENCE_MIN_HEARTBEATS * interval) };
}

function within(seconds: number, least: number, most: number, fallback: number): number {
  return Number.isFinite(seconds) ? Math.min(most, Math.max(least, seconds)) : fallback;
}

/** What a deadline asks for: a probe to be sent, or the connection to be given up. */
export type Due = Heartbeat | 'dead' | null;

/**
 * Liveness that proves both directions. `now` is a monotonic clock in seconds.
 *
 * The hub is dead when nothing at all has arrived for the silence limit and a probe went unanswered
 * meanwhile.
 */
export class HeartbeatMachine {
  /** Seconds; null until known. */
  roundTrip: number | null = null;
  readonly #liveness: Liveness;
  #nextProbe: number;
  #unansweredSince: number | null = null;
  #lastHeard: number;
  // Something else says that the hub cannot be reached: dead unless it is heard until then.
  #doubtEnds = Number.POSITIVE_INFINITY;

  constructor(now: number, liveness = DEFAULT_LIVENESS, firstProbe = FIRST_PROBE_SECONDS) {
    this.#liveness = liveness;
    this.#nextProbe = now + Math.min(firstProbe, liveness.interval);
    this.#lastHeard = now;
  }

  /** Anything at all has arrived. */
  heard(now: number): void {
    this.#lastHeard = now;
    this.#doubtEnds = Number.POSITIVE_INFINITY;
  }

  /** A request has found no hub: the probe that finds out at once; null: one is under way. */
  doubt(now: number): Heartbeat | null {
    if (this.#doubtEnds !== Number.POSITIVE_INFINITY) return null;
    const patience = Math.max(DOUBT_SECONDS, DOUBT_ROUND_TRIPS * (this.roundTrip ?? 0));
    this.#doubtEnds = now + Math.min(patience, this.#liveness.silence);
    return this.#probe(now);
  }

  /** The answer to a probe; null for an answer, which is not answered. */
  receive(message: Heartbeat, now: number): Heartbeat | null {
    this.heard(now);
    if (message.echo === undefined || message.echo === null) {
      return { type: 'heartbeat', sentAt: ticks(now), echo: message.sentAt };
    }
    const elapsed = now - message.echo / MICROSECONDS;
    // An echo we never sent proves nothing and must not show as a round trip.
    if (elapsed >= 0 && elapsed <= this.#liveness.silence) {
      this.roundTrip = elapsed;
      this.#unansweredSince = null;
    }
    return null;
  }

  /** When `onDeadline` is due. */
  nextDeadline(): number {
    return Math.min(this.#nextProbe, this.#verdictAt(), this.#doubtEnds);
  }

  onDeadline(now: number): Due {
    const late = now - this.nextDeadline();
    if (late < 0) {
      return null;
    }
    if (late > this.#liveness.interval) {
      // We were the ones who stood still (a sleeping laptop, a frozen tab): what the hub sent
      // meanwhile has not been read yet, so its silence proves nothing.
      this.#unansweredSince = null;
      this.heard(now);
    } else if (now >= Math.min(this.#verdictAt(), this.#doubtEnds)) {
      return 'dead';
    }
    return this.#probe(now);
  }

  #probe(now: number): Heartbeat {
    this.#nextProbe = now + this.#liveness.interval;
    this.#unansweredSince ??= now;
    return { type: 'heartbeat', sentAt: ticks(now) };
  }

  #verdictAt(): number {
    return this.#unansweredSince === null
      ? Number.POSITIVE_INFINITY
      : this.#lastHeard + this.#liveness.silence;
  }
}

function ticks(now: number): number {
  return Math.round(now * MICROSECONDS);
}
