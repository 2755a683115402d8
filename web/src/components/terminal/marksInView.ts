import type { OutputWindow } from '../../live/outputWindow';
import type { Screen } from '../../live/screen';
import type { SearchHit } from '../../protocol/messages';
import type { RowMark } from './RowMarks';

const MICROSECONDS = 1_000;
/** More on one screen cannot be told apart. */
const MAX_HITS_IN_VIEW = 200;

/** What is said about each row in view. `startedAt` in ms, or null: no times. */
export function marksInView(
  screen: Screen,
  window: OutputWindow,
  startedAt: number | null,
  hits: readonly SearchHit[],
): RowMark[] {
  const { rows, top, height, trimmed, cursor } = screen;
  const { table } = window;
  const hitRows = rowsOfHits(screen, window, hits);
  const marks: RowMark[] = [];
  for (let row = top; row < top + height; row += 1) {
    const at = trimmed + row;
    const isDrawn = row <= cursor && !table.isEmpty;
    const showsTime = isDrawn && startedAt !== null && !rows.isWrapped(row);
    marks.push({
      isError: isDrawn && table.isErrorAt(at),
      isGap: isDrawn && table.gapAt(at) !== null,
      isHit: hitRows.has(at),
      time: showsTime ? timeOf(window, screen, at, startedAt) : '',
    });
  }
  return marks;
}

function rowsOfHits(screen: Screen, window: OutputWindow, hits: readonly SearchHit[]): Set<number> {
  const found = new Set<number>();
  if (hits.length === 0 || window.isMoving) {
    return found;
  }
  const { rows, trimmed } = screen;
  const to = window.visibleTo();
  let index = firstFrom(hits, window.visibleFrom());
  for (; found.size < MAX_HITS_IN_VIEW; index += 1) {
    const hit = hits[index];
    if (hit === undefined || hit.offset >= to) break;
    const place = window.table.rowOf(hit.offset, rows, trimmed);
    if (place !== null) found.add(place.row);
  }
  return found;
}

function firstFrom(hits: readonly SearchHit[], offset: number): number {
  const index = hits.findIndex((hit) => hit.offset >= offset);
  return index < 0 ? hits.length : index;
}

function timeOf(window: OutputWindow, screen: Screen, row: number, startedAt: number): string {
  const place = window.table.placeOf(row, screen.rows, screen.trimmed);
  const piece = place?.entry.piece;
  if (!piece || place.offset >= place.entry.end) {
    return '';
  }
  return clock(startedAt + piece.time / MICROSECONDS);
}

/** `14:02:11`, where the reader is. */
function clock(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
