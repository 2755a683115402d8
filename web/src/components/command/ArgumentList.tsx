import styles from './ArgumentList.module.css';

/** The arguments exactly as the command will get them. */
export function ArgumentList({ argv }: { argv: readonly string[] }) {
  return (
    <ol className={styles.list} aria-label="Arguments">
      {argv.map((argument, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an argument is its position
        <li key={index}>
          <code>{argument}</code>
        </li>
      ))}
    </ol>
  );
}
