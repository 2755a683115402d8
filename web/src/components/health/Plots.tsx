import { useComputedColorScheme } from '@mantine/core';
import { useState } from 'react';
import { describePlots } from '../../live/plots';
import type { HealthPoints } from '../../protocol/messages';
import { Plot } from './Plot';
import styles from './Plots.module.css';

/** The last hour in small multiples; the cursor is at the same moment in all of them. */
export function Plots({ points }: { points: HealthPoints }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const scheme = useComputedColorScheme();
  const shown = hovered === null ? null : (points.time[hovered] ?? null);
  return (
    <>
      <p className={styles.moment} aria-hidden="true">
        {shown === null ? 'now' : new Date(shown * 1000).toLocaleTimeString()}
      </p>
      <div className={styles.plots}>
        {describePlots(points).map((plot) => (
          <Plot
            key={plot.title}
            plot={plot}
            times={points.time}
            hovered={hovered}
            scheme={scheme}
            onHover={setHovered}
          />
        ))}
      </div>
    </>
  );
}
