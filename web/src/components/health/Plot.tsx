import { useEffect, useRef } from 'react';
import { type PlotDescription, plotInWords } from '../../live/plots';
import { PlotCanvas } from './PlotCanvas';
import styles from './Plots.module.css';

interface Props {
  plot: PlotDescription;
  /** Seconds since 1970, ascending. */
  times: readonly number[];
  /** The point under the cursor of any plot. */
  hovered: number | null;
  scheme: 'light' | 'dark';
  onHover: (index: number | null) => void;
}

export function Plot({ plot, times, hovered, scheme, onHover }: Props) {
  return (
    <figure className={styles.plot}>
      <figcaption>
        <h3 title={plot.meaning}>{plot.title}</h3>
        <span className={styles.values} aria-hidden="true">
          {plot.series.map(({ label, color, values }) => (
            <span key={label} className={styles.value}>
              {label !== null && (
                <>
                  <i style={{ background: `var(${color})` }} /> {label}
                </>
              )}{' '}
              <b>{formatted(values[hovered ?? values.length - 1], plot.format)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <Drawing plot={plot} times={times} scheme={scheme} onHover={onHover} />
    </figure>
  );
}

function Drawing({ plot, times, scheme, onHover }: Omit<Props, 'hovered'>) {
  const element = useRef<HTMLDivElement>(null);
  const canvas = useRef<PlotCanvas | null>(null);
  const hover = useRef(onHover);
  hover.current = onHover;
  const shape = useRef(plot);
  shape.current = plot;
  useEffect(() => {
    if (element.current === null) return;
    const drawn = new PlotCanvas(element.current, shape.current, (index) => hover.current(index));
    canvas.current = drawn;
    return () => drawn.close();
  }, []);
  useEffect(() => canvas.current?.show(times, plot), [times, plot]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read anew
  useEffect(() => canvas.current?.redraw(), [scheme]);
  return <div ref={element} className={styles.canvas} role="img" aria-label={plotInWords(plot)} />;
}

function formatted(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}
