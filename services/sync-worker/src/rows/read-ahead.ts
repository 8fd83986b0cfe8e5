import type { PageAnswer } from '@notion-mirror/domain/row-scan';

/**
 * Asks for the next page of a query as soon as a page is there, while the caller applies it. The answers are those that `ask` would give, only earlier: the
 * rule for queries reads a row's record after the answer that holds the row, however old that is by then. When the caller turns to another query, the page
 * that was asked for in vain has cost a call.
 */
export function readAhead<Request extends { readonly cursor: string | null }, Row>(
  ask: (request: Request) => Promise<PageAnswer<Row>>,
): (request: Request) => Promise<PageAnswer<Row>> {
  let ahead: { readonly request: string; readonly page: Promise<PageAnswer<Row>> } | null = null;
  return async (request) => {
    const known = ahead?.request === JSON.stringify(request) ? ahead.page : null;
    ahead = null;
    const page = await (known ?? ask(request));
    if (page.kind === 'page' && page.nextCursor !== null) {
      const next = { ...request, cursor: page.nextCursor };
      ahead = { request: JSON.stringify(next), page: ask(next) };
      // The caller who asks for it sees the rejection.
      ahead.page.catch(() => {});
    }
    return page;
  };
}
