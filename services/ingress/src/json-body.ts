export type JsonProblem = 'not_utf8' | 'not_json' | 'too_deep';

export type JsonBody = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: JsonProblem };

/** Maximum nesting of arrays and objects. Notion's events have about five levels; readers of a deeper body might recurse too far. */
export const maxJsonDepth = 200;

/** Parses the bytes of a request body as JSON. Never throws. */
export function readJson(raw: Buffer): JsonBody {
  let text: string;
  try {
    text = utf8.decode(raw);
  } catch {
    return { ok: false, problem: 'not_utf8' };
  }
  if (opensMoreThan(text, maxJsonDepth) && isDeeperThan(text, maxJsonDepth)) return { ok: false, problem: 'too_deep' };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, problem: 'not_json' };
  }
}

/** Drops a byte order mark and rejects invalid sequences. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A fast pre-check: nearly every body has fewer opening brackets than the limit, and needs no scan by character. */
function opensMoreThan(text: string, limit: number): boolean {
  let count = 0;
  for (const bracket of '[{') {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return true;
    }
  }
  return false;
}

/** Counts brackets outside strings, in one pass without recursion, before parsing. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === backslash) index += 1;
      else if (code === quote) inString = false;
    } else if (code === quote) inString = true;
    else if (code === openBracket || code === openBrace) {
      depth += 1;
      if (depth > limit) return true;
    } else if (code === closeBracket || code === closeBrace) depth -= 1;
  }
  return false;
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];
