import { useReadiness } from '../../hooks/useHealth';
import { readinessProblems } from '../../live/readiness';
import styles from './ReadinessNotice.module.css';

/** What keeps the hub from its work, what that means, and what to do. */
export function ReadinessNotice() {
  const { data } = useReadiness();
  if (data === undefined) {
    return null;
  }
  const problems = readinessProblems(data);
  return (
    <div role="status">
      {problems.length === 0 ? (
        <p className={styles.ready}>Ready: the database can be written and the disk has room.</p>
      ) : (
        problems.map(({ name, title, reason, todo }) => (
          <div key={name} className={styles.problem}>
            <h2>{title}</h2>
            <p>{todo}</p>
            {reason !== null && <p className={styles.reason}>{reason}</p>}
          </div>
        ))
      )}
    </div>
  );
}
