/** Text from outside on one line of a terminal: control characters, which could move the cursor or end the line, are shown as `?`. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}

/** `1 connection`, `2 connections`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}
