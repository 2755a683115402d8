import type { Rows } from './lineTable';

/** What output is drawn on: a terminal with a bounded scrollback. Rows count from its first. */
export interface Screen {
  readonly rows: Rows;
  /** Where the next byte goes. */
  readonly cursor: number;
  /** The first row in view, and how many are. */
  readonly top: number;
  readonly height: number;
  /** Rows that were dropped above the first, since ever. */
  readonly trimmed: number;
  /** `live`: not a replay. `begins`: it is its turn; `drawn`: the rows show it. */
  write(data: Uint8Array, live: boolean, begins: () => void, drawn: () => void): void;
  /** Empty, in its turn after what was written; the program's settings stay with `keepModes`. */
  clear(keepModes: boolean, drawn: () => void): void;
  scrollTo(row: number): void;
  /** Keep showing what is shown until `thaw`, whatever is drawn. */
  freeze(): void;
  thaw(): void;
}
