import { type ReactNode, useId } from 'react';
import styles from './settings.module.css';

interface SectionProps {
  title: string;
  about?: ReactNode;
  /** What can be done with all of it, beside the title. */
  action?: ReactNode;
  children: ReactNode;
}

/** Settings that belong together. */
export function Section({ title, about, action, children }: SectionProps) {
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {action}
      </header>
      {about !== undefined && <p className={styles.about}>{about}</p>}
      {children}
    </section>
  );
}

interface SettingProps {
  label: string;
  about?: ReactNode;
  /** The control; it names itself. */
  children: ReactNode;
}

/** One setting: its name and what it means, and the control at the right. */
export function Setting({ label, about, children }: SettingProps) {
  return (
    <div className={styles.setting}>
      <div className={styles.label}>
        <span className={styles.name}>{label}</span>
        {about !== undefined && <span className={styles.about}>{about}</span>}
      </div>
      <div className={styles.control}>{children}</div>
    </div>
  );
}

interface EntryProps {
  name: ReactNode;
  details: ReactNode;
  /** What can be done with it. */
  children?: ReactNode;
}

/** One of a list of things that are looked after in settings. */
export function Entry({ name, details, children }: EntryProps) {
  return (
    <li className={styles.setting}>
      <div className={styles.label}>
        <span className={styles.name}>{name}</span>
        <span className={styles.about}>{details}</span>
      </div>
      <div className={styles.control}>{children}</div>
    </li>
  );
}
