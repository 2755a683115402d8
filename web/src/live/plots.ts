import type { HealthPoints } from '../protocol/messages';
import { formatMilliseconds, formatSize } from './format';

export type Values = readonly (number | null)[];

export interface PlotSeries {
  /** null: the title says it. */
  readonly label: string | null;
  /** A variable of the palette. */
  readonly color: '--leaf' | '--blue';
  readonly values: Values;
}

export interface PlotDescription {
  readonly title: string;
  readonly meaning: string;
  readonly series: readonly PlotSeries[];
  readonly format: (value: number) => string;
  /** The top of the scale when the values reach up to `highest`. */
  readonly top: (highest: number) => number;
}

/** What the health page plots, in its order. */
export function describePlots(points: HealthPoints): PlotDescription[] {
  return [
    {
      title: 'Connections',
      meaning: 'Daemons and viewers that are connected',
      series: pair('daemons', points.connections.daemons, 'viewers', points.connections.viewers),
      ...COUNT,
    },
    {
      title: 'Running tasks',
      meaning: 'Tasks that run, on all machines',
      series: single(points.runningTasks),
      ...COUNT,
    },
    {
      title: 'Traffic',
      meaning: 'Bytes over all WebSocket connections',
      series: pair('in', points.bytesInPerSecond, 'out', points.bytesOutPerSecond),
      format: formatRate,
      top: binaryTop,
    },
    {
      title: 'Time to disk',
      meaning: 'How long output takes until it is safely stored',
      series: pair('typical', points.fsyncMsP50, 'longest', points.fsyncMsMax),
      ...TIME,
    },
    {
      title: 'Held up',
      meaning: 'The longest that everything in the hub had to wait for one thing',
      series: single(points.loopLagMsMax),
      ...TIME,
    },
    {
      title: 'Not yet on disk',
      meaning: 'Output that has arrived and is not yet stored',
      series: single(points.unflushedBytes),
      ...SIZE,
    },
    {
      title: 'Waiting for the database',
      meaning: 'Changes that are not yet committed',
      series: single(points.commitQueue),
      ...COUNT,
    },
    {
      title: 'Memory',
      meaning: 'Of the hub process',
      series: single(points.memoryBytes),
      ...SIZE,
    },
    {
      title: 'Processor',
      meaning: 'Of the hub process; 100 % is one core',
      series: single(points.cpuPercent),
      format: (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} %`,
      top: decimalTop(10),
    },
  ];
}

/** What a plot shows, in words. */
export function plotInWords({ title, meaning, series, format }: PlotDescription): string {
  const parts = series.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    const now = values.at(-1) ?? null;
    if (known.length === 0) return `${label ?? 'Value'}: nothing is known yet`;
    const highest = format(known.reduce((one, other) => Math.max(one, other)));
    return `${label ?? 'now'} ${now === null ? 'unknown' : format(now)}, at most ${highest}`;
  });
  return `${title} in the last hour. ${meaning}. ${parts.join('; ')}.`;
}

/** 1, 2 or 5 times a power of ten, and at least `least`. */
export function decimalTop(least: number): (highest: number) => number {
  return (highest) => {
    const wanted = Math.max(least, highest);
    const power = 10 ** Math.floor(Math.log10(wanted));
    return ([1, 2, 5].find((factor) => factor * power >= wanted) ?? 10) * power;
  };
}

/** A power of two that its unit shows without a fraction. */
export function binaryTop(highest: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_BYTES, highest)));
}

const LEAST_BYTES = 4_096;
const LEAST_COUNT = 4;
const LEAST_MILLISECONDS = 5;

const COUNT = {
  format: (value: number) => String(Math.round(value)),
  top: (highest: number) => (highest <= LEAST_COUNT ? LEAST_COUNT : decimalTop(10)(highest)),
};
const TIME = { format: formatMilliseconds, top: decimalTop(LEAST_MILLISECONDS) };
const SIZE = { format: formatSize, top: binaryTop };

export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(Math.round(bytesPerSecond))}/s`;
}

function single(values: Values): PlotSeries[] {
  return [{ label: null, color: '--leaf', values }];
}

function pair(one: string, values: Values, other: string, otherValues: Values): PlotSeries[] {
  return [
    { label: one, color: '--leaf', values },
    { label: other, color: '--blue', values: otherValues },
  ];
}
