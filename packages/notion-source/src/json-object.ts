import type { JsonObject } from '@notion-mirror/domain/database-content';

/** A text that should be JSON; null when it is not. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** For results of JSON.parse, whose inner values are JSON anyway. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]/g;

/**
 * The keys of the object that is the value of `field` in the JSON object `text`, in the order in which they are written: JSON.parse puts keys
 * that look like integers ("2024") first. `text` must be valid JSON.
 */
export function keysAsWritten(text: string, field: string): readonly string[] {
  let keys = new Set<string>();
  let depth = 0;
  let string = '""';
  let fieldFollows = false;
  let inField = false;
  for (const [found] of text.matchAll(token)) {
    switch (found) {
      case '{':
      case '[':
        depth += 1;
        if (depth === 2 && fieldFollows) {
          inField = found === '{';
          keys = new Set();
        }
        fieldFollows = false;
        break;
      case '}':
      case ']':
        if (depth === 2) inField = false;
        depth -= 1;
        break;
      case ':':
        if (depth === 1) fieldFollows = JSON.parse(string) === field;
        if (depth === 2 && inField) keys.add(String(JSON.parse(string)));
        break;
      case ',':
        if (depth === 1) fieldFollows = false;
        break;
      default:
        string = found;
    }
  }
  return [...keys];
}

/** The text of each element of the array of objects that is the value of `field` in the JSON object `text`, which must be valid JSON. */
export function elementsAsWritten(text: string, field: string): readonly string[] {
  let elements: string[] = [];
  let depth = 0;
  let string = '""';
  let fieldFollows = false;
  let inField = false;
  let start = 0;
  for (const { 0: found, index } of text.matchAll(token)) {
    switch (found) {
      case '{':
      case '[':
        depth += 1;
        if (depth === 2 && fieldFollows) {
          inField = found === '[';
          elements = [];
        }
        if (depth === 3 && inField) start = index;
        fieldFollows = false;
        break;
      case '}':
      case ']':
        if (depth === 3 && inField) elements.push(text.slice(start, index + 1));
        if (depth === 2) inField = false;
        depth -= 1;
        break;
      case ':':
        if (depth === 1) fieldFollows = JSON.parse(string) === field;
        break;
      case ',':
        if (depth === 1) fieldFollows = false;
        break;
      default:
        string = found;
    }
  }
  return elements;
}
