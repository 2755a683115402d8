import { Button, NumberInput, Popover } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import type { OutputViewState } from '../terminal';
import styles from './GoToByte.module.css';

interface Props {
  view: OutputViewState;
  onGo: (offset: number) => void;
}

/** Which byte is on the screen, and a way to another one. */
export function GoToByte({ view, onGo }: Props) {
  const [opened, { close, toggle }] = useDisclosure(false);
  const [wanted, setWanted] = useState<string | number>('');
  const shown = view.following ? view.end : view.visibleFrom;
  const go = (event: FormEvent) => {
    event.preventDefault();
    if (typeof wanted !== 'number') return;
    onGo(wanted);
    close();
  };
  return (
    <Popover opened={opened} onChange={close} position="top-end" shadow="md" trapFocus>
      <Popover.Target>
        <button type="button" className={styles.offset} onClick={toggle} title="Go to a byte">
          byte {shown.toLocaleString('en')}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <form className={styles.form} onSubmit={go}>
          <NumberInput
            label="Go to byte"
            min={0}
            max={view.size}
            allowDecimal={false}
            thousandSeparator=","
            hideControls
            value={wanted}
            onChange={setWanted}
            data-autofocus
          />
          <Button type="submit">Go</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
