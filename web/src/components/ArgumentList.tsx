import type { Split } from '../live/argv';
import styles from './ArgumentList.module.css';

/** The arguments exactly as the command will get them. */
export function ArgumentList({ split }: { split: Split }) {
  if (!split.ok) {
    return <span className={styles.problem}>{split.problem}</span>;
  }
  if (split.argv.length === 0) {
    return (
      <span>Runs as a list of arguments, without a shell. ↑ brings back earlier commands.</span>
    );
  }
  return (
    <ol className={styles.list} aria-label="Arguments">
      {split.argv.map((argument, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an argument is its position
        <li key={index}>
          <code>{argument}</code>
        </li>
      ))}
    </ol>
  );
}
