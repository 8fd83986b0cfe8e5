import type { Cell } from '../../src/answers/rows.ts';
import { OutLink, PageLink } from './link.tsx';
import { Chip } from './schema.tsx';
import { middle } from './text.ts';

interface CellProps {
  readonly tenant: string;
  readonly type: string;
  /** Null: the row has no such property. */
  readonly cell: Cell | null;
}

/** A value of a row by the type of its property. */
export function CellValue({ tenant, type, cell }: CellProps) {
  if (cell === null) return <span className="dim">–</span>;
  const { text, value, links, isCut } = cell;
  const cut = isCut ? (
    <span className="dim" title="Notion cut the value off">
      {' '}
      …
    </span>
  ) : null;
  if (type === 'relation') {
    return (
      <>
        {links.map(({ pageId, title }, index) => (
          <span key={pageId}>
            {index === 0 ? '' : ', '}
            {title === null ? (
              <span className="dim" title={`The mirror does not show ${pageId}`}>
                {middle(pageId, 13)}
              </span>
            ) : (
              <PageLink to="/t/$tenant/r/$page" params={{ tenant, page: pageId }}>
                {title === '' ? 'Untitled' : middle(title, 32)}
              </PageLink>
            )}
          </span>
        ))}
        {cut}
      </>
    );
  }
  if (type === 'checkbox')
    return (
      <span role="img" aria-label={value === true ? 'checked' : 'unchecked'}>
        {value === true ? '☑' : '☐'}
      </span>
    );
  if ((type === 'select' || type === 'status') && typeof value === 'string') return <Chip text={value} color={null} />;
  if (type === 'multi_select' && Array.isArray(value))
    return (
      <>
        {value.map((name) => (
          <Chip key={String(name)} text={String(name)} color={null} />
        ))}
        {cut}
      </>
    );
  if (type === 'url') return <OutLink url={value}>{middle(text, 48)}</OutLink>;
  if (type === 'files' && Array.isArray(value))
    return (
      <>
        {value.map((file, index) => (
          <File key={index} file={file} />
        ))}
        {cut}
      </>
    );
  return (
    <span title={text.length > 80 ? text.slice(0, 1_000) : undefined}>
      {middle(text, 80)}
      {cut}
    </span>
  );
}

/** Its name as a link, where it has an address that lasts. */
function File({ file }: { readonly file: unknown }) {
  const { name, url } = typeof file === 'object' && file !== null ? (file as { readonly name?: unknown; readonly url?: unknown }) : {};
  return (
    <span className="chip">
      <OutLink url={url}>{middle(typeof name === 'string' ? name : 'file', 32)}</OutLink>
    </span>
  );
}
