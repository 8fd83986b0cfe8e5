import { ActionIcon, useMantineColorScheme } from '@mantine/core';

const next = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const shown = {
  auto: { icon: '◐', label: 'Colours: as the system' },
  light: { icon: '☀', label: 'Colours: light' },
  dark: { icon: '☾', label: 'Colours: dark' },
} as const;

export function ColourSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { icon, label } = shown[colorScheme];
  return (
    <ActionIcon variant="default" size={30} onClick={() => setColorScheme(next[colorScheme])} aria-label={label} title={label}>
      <span aria-hidden>{icon}</span>
    </ActionIcon>
  );
}
