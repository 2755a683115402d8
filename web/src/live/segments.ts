/** Stretches kept of one output; beyond it neighbours are joined, the closest first. */
const MAX_STRETCHES = 4_000;
/** Every look narrows the place down to a two-thousandth. */
const MAX_LOOKS = 8;

/** As the hub answers: a stretch of one stream, or a gap. */
export type Segment =
  | { offset: number; length: number; isError: boolean; time: number }
  | { from: number; to: number; reason: string };

export type FetchSegments = (from: number, to: number) => Promise<Segment[]>;

export type StretchKind = 'stderr' | 'gap';

export interface Stretch {
  from: number;
  to: number;
  readonly kind: StretchKind;
}

/** Where in an output stderr and gaps are. Bounded: what is close together becomes one. */
export class OutputMap {
  #stretches: Stretch[] = [];

  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  /** Usually goes on where the last one ended; repeats and overlaps do no harm. */
  add(from: number, to: number, kind: StretchKind): void {
    const last = this.#stretches.at(-1);
    if (last !== undefined && from < last.to) {
      this.#insert({ from, to, kind });
    } else if (last?.kind === kind && last.to === from) {
      last.to = to;
    } else {
      this.#stretches.push({ from, to, kind });
    }
    if (this.#stretches.length > MAX_STRETCHES) this.#thin();
  }

  /** The hub's account of `[0, to)`, in place of what is known of it. */
  load(segments: readonly Segment[], to: number): void {
    const later = this.#stretches.filter((stretch) => stretch.from >= to);
    this.#stretches = [];
    for (const segment of segments) {
      if ('reason' in segment) this.add(segment.from, segment.to, 'gap');
      else if (segment.isError) this.add(segment.offset, segment.offset + segment.length, 'stderr');
    }
    for (const { from, to: end, kind } of later) this.add(from, end, kind);
  }

  #insert(stretch: Stretch): void {
    const isKnown = this.#stretches.some(
      ({ from, to, kind }) => kind === stretch.kind && from <= stretch.from && to >= stretch.to,
    );
    if (isKnown) {
      return;
    }
    const sorted = [...this.#stretches, stretch].sort((one, other) => one.from - other.from);
    this.#stretches = [];
    for (const item of sorted) {
      const last = this.#stretches.at(-1);
      if (last?.kind === item.kind && last.to >= item.from) last.to = Math.max(last.to, item.to);
      else this.#stretches.push({ ...item });
    }
  }

  #thin(): void {
    const first = this.#stretches[0]?.from ?? 0;
    const span = ((this.#stretches.at(-1)?.to ?? 0) - first) / (MAX_STRETCHES / 2);
    const kept: Stretch[] = [];
    for (const stretch of this.#stretches) {
      const last = kept.at(-1);
      if (last?.kind === stretch.kind && stretch.to - last.from <= span) last.to = stretch.to;
      else kept.push(stretch);
    }
    // Two kinds that alternate cannot be joined: then every second one says enough.
    this.#stretches = kept.length > MAX_STRETCHES ? kept.filter((_, at) => at % 2 === 0) : kept;
  }
}

/** The first stretch of stderr in `[from, to)`, exactly, however long the output is. */
export async function findStderr(
  fetch: FetchSegments,
  from: number,
  to: number,
): Promise<{ from: number; to: number } | null> {
  let range = { from, to };
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const segments = await fetch(range.from, range.to);
    const first = segments.find((segment) => 'isError' in segment && segment.isError);
    if (first === undefined || !('isError' in first)) {
      return null;
    }
    const found = {
      from: Math.max(range.from, first.offset),
      to: Math.min(range.to, first.offset + first.length),
    };
    // The hub joins what is many: only what stays the same when looked at alone is exact.
    if (found.from === range.from && found.to === range.to) break;
    range = found;
  }
  return range;
}
