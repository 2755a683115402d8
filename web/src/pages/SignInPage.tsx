import { CodedText } from '../components/CodedText';
import { Logo } from '../components/Logo';
import { SignInForm } from '../components/signin/SignInForm';
import styles from './SignInPage.module.css';

/** `notice`: why somebody who was signed in, or has a link, is asked. */
export function SignInPage({ notice }: { notice: string | null }) {
  return (
    <main className={styles.page}>
      <div className={styles.column}>
        <header>
          <h1>
            <Logo /> Sign in to Arbor
          </h1>
          <p className={styles.host}>{location.host}</p>
        </header>
        {notice !== null && (
          <p role="status" className={styles.notice}>
            <CodedText text={notice} />
          </p>
        )}
        <SignInForm />
        <section className={styles.help} aria-labelledby="no-password">
          <h2 id="no-password">No password yet?</h2>
          <p>
            Open the sign-in link that <code>arbor up</code> or <code>arbor hub</code> prints in the
            terminal when it starts, or <code>arbor link</code> at any time. It works once, for ten
            minutes, in this tab too.
          </p>
          <p>
            Signed in somewhere else? Settings, Account makes a link for this browser, and sets a
            password. Otherwise ask an owner of this hub.
          </p>
        </section>
      </div>
    </main>
  );
}
