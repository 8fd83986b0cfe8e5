import { Fragment } from 'react';
import { splitInstants } from './instants.ts';
import { Time } from './time.tsx';

/** A sentence of the server, with its instants as times are shown elsewhere. */
export function Prose({ text }: { readonly text: string }) {
  return splitInstants(text).map((piece, index) => {
    const key = `${index} ${piece}`;
    return index % 2 === 1 ? <Time key={key} at={piece} withAge={false} /> : <Fragment key={key}>{piece}</Fragment>;
  });
}
