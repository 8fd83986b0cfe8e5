import type { ReactNode } from 'react';

interface ScrollProps {
  /** What is in there, for a screen reader. */
  readonly label: string;
  /** A table, or text as it is. */
  readonly kind: 'wide' | 'raw';
  readonly children: ReactNode;
}

/** What scrolls in itself. It is in the order of Tab, since without a mouse it could not be scrolled otherwise. */
export function Scroll({ label, kind, children }: ScrollProps) {
  return (
    <div className={kind} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
