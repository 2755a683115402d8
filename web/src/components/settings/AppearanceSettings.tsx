import { SegmentedControl, Switch, TextInput, useMantineColorScheme } from '@mantine/core';
import { usePreferences } from '../../hooks/usePreferences';
import { TERMINAL_FONT_SIZES, type TerminalPalette } from '../../live/preferences';
import { Section, Setting } from './Section';
import styles from './settings.module.css';
import { TerminalSample } from './TerminalSample';

const THEMES = [
  { value: 'auto', label: 'Same as system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const;

const PALETTE_LABELS: { value: TerminalPalette; label: string }[] = [
  { value: 'arbor', label: 'Arbor' },
  { value: 'contrast', label: 'High contrast' },
  { value: 'paper', label: 'Paper' },
];

/** How the page and its terminals look in this browser. */
export function AppearanceSettings() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [preferences, change] = usePreferences();
  const { terminalFontSize, terminalFont, terminalPalette, announceOutput } = preferences;
  return (
    <>
      <Section title="Appearance" about="Kept in this browser.">
        <Setting label="Theme">
          <SegmentedControl
            aria-label="Theme"
            value={colorScheme}
            onChange={setColorScheme}
            data={[...THEMES]}
          />
        </Setting>
      </Section>
      <Section title="Terminal">
        <Setting label="Colours" about="Programs choose their colours for a dark terminal.">
          <SegmentedControl
            aria-label="Colours of the terminal"
            value={terminalPalette}
            onChange={(value) => change({ terminalPalette: value })}
            data={PALETTE_LABELS}
          />
        </Setting>
        <Setting label="Text size">
          <input
            className={styles.range}
            type="range"
            aria-label="Size of the terminal's text, in pixels"
            {...TERMINAL_FONT_SIZES}
            value={terminalFontSize}
            onChange={(event) => change({ terminalFontSize: event.target.valueAsNumber })}
          />
          <output className={styles.pixels}>{terminalFontSize} px</output>
        </Setting>
        <Setting label="Font" about="A monospaced font that is installed on this device.">
          <TextInput
            aria-label="Font of the terminal"
            placeholder="JetBrains Mono"
            spellCheck={false}
            value={terminalFont ?? ''}
            onChange={(event) => change({ terminalFont: event.target.value || null })}
          />
        </Setting>
        <TerminalSample preferences={preferences} />
        <Setting
          label="Screen readers"
          about="The lines in view are always there as text. New ones are announced every few seconds, shortened."
        >
          <Switch
            aria-label="Announce new output"
            checked={announceOutput}
            onChange={(event) => change({ announceOutput: event.currentTarget.checked })}
          />
        </Setting>
      </Section>
    </>
  );
}
