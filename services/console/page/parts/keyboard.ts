import { useEffect } from 'react';

/** `g` and then this letter. */
export interface Go {
  readonly letter: string;
  readonly go: () => void;
}

interface Keys {
  readonly pages: readonly Go[];
  readonly onFind: () => void;
  readonly onHelp: () => void;
}

/** After `g`, ms. */
const letterWithin = 1_500;

/**
 * The keys of every page: `j` and `k` walk the rows of the page, `Enter` follows one (as a link does by itself), `Esc` leaves it, `g` and a letter go to a page, `/`
 * or `⌘K` finds, `?` lists the keys. None acts on data.
 */
export function useKeys({ pages, onFind, onHelp }: Keys): void {
  useEffect(() => {
    let goneAt = Number.NEGATIVE_INFINITY;
    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.altKey || isIn(event.target, '[role=dialog]')) return;
      const isModified = event.ctrlKey || event.metaKey;
      if (isModified ? event.key !== 'k' || event.shiftKey : isIn(event.target, fields)) return;
      const isLetter = event.timeStamp - goneAt < letterWithin;
      goneAt = Number.NEGATIVE_INFINITY;
      const page = isLetter ? pages.find(({ letter }) => letter === event.key) : undefined;
      if (isModified || event.key === '/') onFind();
      else if (page !== undefined) page.go();
      else if (event.key === 'g') goneAt = event.timeStamp;
      else if (event.key === 'j') walk(1);
      else if (event.key === 'k') walk(-1);
      else if (event.key === 'Escape') leave();
      else if (event.key === '?') onHelp();
      else return;
      event.preventDefault();
    }
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [pages, onFind, onHelp]);
}

function walk(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('main tbody tr')].flatMap((row) => row.querySelector('a') ?? []);
  const here = links.findIndex((link) => link.closest('tr')?.contains(document.activeElement) === true);
  const next = here === -1 && step === -1 ? links.length - 1 : Math.min(links.length - 1, Math.max(0, here + step));
  links[next]?.focus();
}

function leave(): void {
  if (document.activeElement instanceof HTMLElement && document.activeElement !== document.body) document.activeElement.blur();
}

/** Where a letter is a letter. While a dialog is open, its own keys count. */
const fields = 'input, textarea, select, [contenteditable]';

function isIn(target: EventTarget | null, selector: string): boolean {
  return target instanceof HTMLElement && target.closest(selector) !== null;
}
