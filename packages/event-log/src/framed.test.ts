import avro from 'avsc';
import { expect, test } from 'vitest';
import { framed } from './framed.ts';

const type = avro.Type.forSchema({
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'count', type: 'int' },
  ],
});

const kibibytes64 = 64 * 1024;
/** The frame, the length of the text in three bytes and the count in one are in the buffer, too. */
const fits = kibibytes64 - 5 - 3 - 1;

test.each([0, 1, 1_000, 5_000, fits - 1, fits, fits + 1, fits + 4, fits + 5, 10 * kibibytes64])(
  'a text of %i bytes is in the frame as avsc writes it',
  (length) => {
    const values = ['a', 'ü'].map((letter) => ({ text: letter.repeat(length / Buffer.byteLength(letter)), count: 7 }));
    const buffers = values.map((value) => framed(type, 258, value));
    const expected = values.map((value) => Buffer.concat([Buffer.from([0, 0, 0, 1, 2]), type.toBuffer(value)]));
    expect(buffers.map((buffer, index) => expected[index]?.equals(buffer))).toEqual([true, true]);
  },
);

test('a value that does not fit the schema is refused, and the next one is as if it had not been', () => {
  expect(() => framed(type, 1, { text: 'text', count: 'many' })).toThrow('many');
  expect(framed(type, 1, { text: 'x', count: 0 })).toEqual(Buffer.from([0, 0, 0, 0, 1, 2, 120, 0]));
});
