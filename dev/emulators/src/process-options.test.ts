import { expect, test } from 'vitest';
import { readProcessOptions } from './process-options.ts';

test('defaults', () => {
  expect(readProcessOptions([], {})).toEqual({
    host: '127.0.0.1',
    'notion-port': 4010,
    'nango-port': 4011,
    customers: [],
    'life-interval-ms': 0,
    'life-row-share': 0,
    'notion-settings': {},
    'nango-settings': {},
  });
});

test('flags override variables; an empty variable counts as unset', () => {
  const env = {
    NOTION_EMULATOR_PORT: '5000',
    NANGO_EMULATOR_PORT: '',
    EMULATOR_CUSTOMERS: 'Acme Inc, Globex,',
    NANGO_EMULATOR_SETTINGS: '{"delivery":{"timeScale":0}}',
  };
  expect(readProcessOptions(['--notion-port', '6000'], env)).toMatchObject({
    'notion-port': 6000,
    'nango-port': 4011,
    customers: ['Acme Inc', 'Globex'],
    'nango-settings': { delivery: { timeScale: 0 } },
  });
});

test('every problem is named', () => {
  const env = { NOTION_EMULATOR_PORT: 'x', EMULATOR_FORWARD_TO: 'nowhere', NOTION_EMULATOR_SETTINGS: '[1' };
  for (const name of [
    '--notion-port (NOTION_EMULATOR_PORT)',
    '--forward-to (EMULATOR_FORWARD_TO)',
    '--notion-settings (NOTION_EMULATOR_SETTINGS): is not a JSON object',
  ]) {
    expect(() => readProcessOptions([], env)).toThrow(name);
  }
});
