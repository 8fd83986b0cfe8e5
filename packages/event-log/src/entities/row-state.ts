import { rowKind, type RowContent } from '@notion-mirror/domain/entities/row';
import { rowStateContract } from '@notion-mirror/schemas/contract';
import type { StateContract } from '../state-contract.ts';
import { rowFromAvro, rowToAvro, type AvroRowContent } from './row-content.ts';

/** `schemas/row-state`: times in milliseconds, JSON as text. */
export const rowStates: StateContract<RowContent> = {
  kind: rowKind,
  topic: 'notion.row-states',
  writerId: 'notion-mirror.row-state-log',
  schema: rowStateContract,
  toAvro: rowToAvro,
  fromAvro: (value) => rowFromAvro(value as AvroRowContent),
};
