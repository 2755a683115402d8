import { Modal } from '@mantine/core';
import { useTokens } from '../../hooks/useTokens';
import { Copyable } from '../Copyable';
import { NewTokenForm } from './NewTokenForm';
import styles from './settings.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
}

/** Makes a token and shows its secret, once. */
export function NewTokenDialog({ opened, onClose }: Props) {
  const { create } = useTokens();
  const made = create.data;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={made === undefined ? 'New token' : `Token ${made.name}`}
      // A secret that can never be seen again is not lost by a click beside it.
      closeOnClickOutside={made === undefined}
      onExitTransitionEnd={create.reset}
    >
      {made === undefined ? (
        <NewTokenForm
          busy={create.isPending}
          error={create.error}
          onCreate={(token) => create.mutate(token)}
          onCancel={onClose}
        />
      ) : (
        <div className={styles.form}>
          <p>Copy it now: it is not shown again.</p>
          <Copyable text={made.secret} />
          <p className={styles.about}>
            Programs take it from the environment as <code>ARBOR_TOKEN</code>, with{' '}
            <code>ARBOR_URL={location.origin}</code>.
          </p>
        </div>
      )}
    </Modal>
  );
}
