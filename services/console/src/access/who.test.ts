import { createHash } from 'node:crypto';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { expect, test } from 'vitest';
import { createSessions } from './sessions.ts';
import { createGate } from './who.ts';

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const gateOf = (lines: string) =>
  createGate(loadConfig({ MIRROR_CONSOLE_ACCESS: 'tokens', MIRROR_CONSOLE_TOKENS: lines }, 'console'), createSessions('k'.repeat(32)));
const nothing = () => '';
const wrongBearer = (name: string) => (name === 'authorization' ? 'Bearer wrong' : '');

test('a session ends with its token, and has its role of now', () => {
  const line = (role: string) => `ann ${role} sha256:${hashOf('a-token')}`;
  const cookie = gateOf(line('operator')).signIn('a-token')?.cookie;
  expect(gateOf(line('operator')).identify({ header: nothing, cookie })).toEqual({ name: 'ann', role: 'operator', by: 'session' });
  expect(gateOf(line('viewer')).identify({ header: nothing, cookie })).toMatchObject({ role: 'viewer' });
  expect(gateOf(`bob operator sha256:${hashOf('another')}`).identify({ header: nothing, cookie })).toBeNull();
});

test('a wrong bearer token does not fall back to a session', () => {
  const gate = gateOf(`ann viewer sha256:${hashOf('a-token')}`);
  const cookie = gate.signIn('a-token')?.cookie;
  expect(gate.identify({ header: wrongBearer, cookie })).toBeNull();
});
