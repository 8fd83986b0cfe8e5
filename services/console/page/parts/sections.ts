/** The pages of the navigation, and the letter that follows `g`. */
export const sections = [
  { to: '/', label: 'Overview', letter: 'o' },
  { to: '/tenants', label: 'Tenants', letter: 't' },
  { to: '/events', label: 'Events', letter: 'e' },
  { to: '/explain', label: 'Explain', letter: 'x' },
  { to: '/dead-letters', label: 'Dead letters', letter: 'd' },
  { to: '/replays', label: 'Replays', letter: 'r' },
  { to: '/sweeps', label: 'Sweeps', letter: 's' },
  { to: '/doctor', label: 'Doctor', letter: 'c' },
  { to: '/audit', label: 'Audit', letter: 'a' },
] as const;
