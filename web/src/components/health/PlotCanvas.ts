import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { PlotDescription, PlotSeries } from '../../live/plots';

const HEIGHT_PIXELS = 118;
const HOUR_SECONDS = 3_600;
const AXIS_PIXELS = 62;
const LABEL_PIXELS = 24;
const TICK_SECONDS = 900;
const FILL_ALPHA = '1f';
const SYNC_KEY = 'health';

/** One plot as uPlot draws it, in the palette's colours. Nothing of it is React's. */
export class PlotCanvas {
  readonly #plot: UPlot;
  readonly #observer: ResizeObserver;

  constructor(
    element: HTMLElement,
    description: PlotDescription,
    onHover: (index: number | null) => void,
  ) {
    this.#plot = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PIXELS,
        padding: [6, 8, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: SYNC_KEY }, drag: { x: false, y: false }, y: false },
        scales: {
          // An hour from the start, so that the past does not move as it grows.
          x: { range: (_plot, _from, to) => [to - HOUR_SECONDS, to] },
          y: { range: (_plot, _least, highest) => [0, description.top(highest ?? 0)] },
        },
        axes: [timeAxis(), valueAxis(description.format)],
        series: [{}, ...description.series.map(drawnSeries)],
        hooks: { setCursor: [(plot) => onHover(plot.cursor.idx ?? null)] },
      },
      undefined,
      element,
    );
    this.#observer = new ResizeObserver(() =>
      this.#plot.setSize({ width: element.clientWidth, height: HEIGHT_PIXELS }),
    );
    this.#observer.observe(element);
  }

  show(times: readonly number[], { series }: PlotDescription): void {
    this.#plot.setData([[...times], ...series.map(({ values }) => [...values])]);
  }

  /** The colours have changed. */
  redraw(): void {
    this.#plot.redraw(false, true);
  }

  close(): void {
    this.#observer.disconnect();
    this.#plot.destroy();
  }
}

function drawnSeries({ color }: PlotSeries, index: number): UPlot.Series {
  return {
    stroke: () => variable(color),
    width: 1.5,
    points: { show: false },
    ...(index === 0 && { fill: () => variable(color) + FILL_ALPHA }),
  };
}

function timeAxis(): UPlot.Axis {
  return {
    ...axis(),
    size: LABEL_PIXELS,
    splits: (_plot, _index, from, to) => {
      const first = Math.ceil(from / TICK_SECONDS) * TICK_SECONDS;
      const count = Math.floor((to - first) / TICK_SECONDS) + 1;
      return Array.from({ length: count }, (_, index) => first + index * TICK_SECONDS);
    },
    values: (_plot, splits) =>
      splits.map((time) =>
        new Date(time * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' }),
      ),
    grid: { show: false },
  };
}

function valueAxis(format: (value: number) => string): UPlot.Axis {
  return {
    ...axis(),
    size: AXIS_PIXELS,
    splits: (_plot, _index, _least, top) => [0, top / 2, top],
    values: (_plot, splits) => splits.map((value) => (value === 0 ? '0' : format(value))),
  };
}

function axis(): UPlot.Axis {
  return {
    stroke: () => variable('--muted'),
    font: `11px ${variable('--interface')}`,
    gap: 4,
    grid: { stroke: () => variable('--line'), width: 1 },
    ticks: { show: false },
  };
}

function variable(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
