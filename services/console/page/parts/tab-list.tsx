import { Tabs } from '@mantine/core';

/** The tabs of a page: each its value in the address, and its label. */
export function TabList({ tabs }: { readonly tabs: readonly (readonly [value: string, label: string])[] }) {
  return (
    <Tabs.List mb="md">
      {tabs.map(([value, label]) => (
        <Tabs.Tab key={value} value={value}>
          {label}
        </Tabs.Tab>
      ))}
    </Tabs.List>
  );
}
