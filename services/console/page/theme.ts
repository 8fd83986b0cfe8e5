import { createTheme, type CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'sm',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem' },
  headings: { sizes: { h1: { fontSize: '1.375rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } } },
  respectReducedMotion: true,
  components: {
    Table: { defaultProps: { verticalSpacing: 5, highlightOnHover: true } },
    Anchor: { defaultProps: { underline: 'always', inherit: true } },
    Badge: { defaultProps: { variant: 'default', radius: 'sm', tt: 'none' } },
  },
});

/** Mantine's paler texts have too little contrast for WCAG AA. */
export const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-dimmed': '#5c636a', '--mantine-color-placeholder': '#6a7178', '--mantine-color-anchor': '#364fc7' },
  dark: { '--mantine-color-dimmed': '#a3a8ae', '--mantine-color-placeholder': '#9aa0a6', '--mantine-color-anchor': '#91a7ff' },
});
