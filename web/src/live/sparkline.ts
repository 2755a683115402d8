/** A line through values at equal distances, newest at the right; where one is missing it breaks. */
export interface Sparkline {
  /** An SVG path. */
  readonly path: string;
  /** The last value there is. */
  readonly last: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
}

// Below this many times the lowest value a difference is noise and must not look like a change.
const CALM_RATIO = 2;

/** `slots`: how many values the whole width stands for. */
export function sparkline(
  values: readonly (number | null)[],
  { width, height, slots }: { width: number; height: number; slots: number },
): Sparkline {
  const shown = values.slice(-slots);
  const known = shown.filter((value) => value !== null);
  if (known.length === 0) {
    return { path: '', last: null, lowest: null, highest: null };
  }
  const lowest = Math.min(...known);
  const highest = Math.max(...known);
  const top = Math.max(highest, lowest * CALM_RATIO, Number.EPSILON);
  const step = width / Math.max(1, slots - 1);
  const first = slots - shown.length;
  let path = '';
  let isDrawing = false;
  for (const [index, value] of shown.entries()) {
    if (value !== null) {
      const x = ((first + index) * step).toFixed(1);
      const y = (height - (value / top) * height).toFixed(1);
      path += `${isDrawing ? 'L' : 'M'}${x} ${y}`;
      // A lone value is a dot: a line to itself, drawn with round ends.
      if (!isDrawing && (shown[index + 1] ?? null) === null) path += `L${x} ${y}`;
    }
    isDrawing = value !== null;
  }
  return { path, last: known.at(-1) ?? null, lowest, highest };
}
