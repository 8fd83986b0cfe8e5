import { oneLine } from '../text.ts';

/** Maximum shown part of a value, in characters. */
const shown = 1_024;
/** Maximum examined part: a name and its value may cross the end of the shown part. */
const examined = 4 * shown;

export interface ValuePreview {
  readonly text: string;
  readonly hex: string | null;
  readonly isCut: boolean;
}

/**
 * The beginning of an unidentified value. Anything that may be a token or a password is replaced by `***`: the body of an unreadable handshake
 * contains one, in any form. Raw bytes (`hex`) cannot be masked, so they are never given for a webhook, nor when anything was masked.
 */
export function previewOf(
  value: Buffer,
  options: { readonly isWebhook: boolean; readonly redact: (text: string) => string },
): ValuePreview {
  const head = value.subarray(0, examined);
  const plain = plainText(head);
  const masked = options.redact(maskSecrets(plain));
  const isCut = value.length > shown;
  const bytes = value.subarray(0, shown);
  return {
    text: oneLine(masked.slice(0, shown)),
    hex: options.isWebhook || masked !== plain ? null : bytes.toString('hex'),
    isCut,
  };
}

/** Decodes as UTF-8, otherwise byte by byte; undoes UTF-16 and JSON escapes for ASCII, so that words can be found. */
function plainText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return (text.includes('\uFFFD') ? bytes.toString('latin1') : text)
    .replaceAll('\0', '')
    .replaceAll(/\\u00([2-7][0-9a-f])/gi, (escape, hex: string) => {
      const character = String.fromCodePoint(Number.parseInt(hex, 16));
      return /\w/.test(character) ? character : escape;
    });
}

const named =
  /((?:token|secret|password|api[-_]?key|authorization|credential)[\w-]*\\?["']?\s*[:=]\s*)(\\?"(?:[^"\\]|\\.)*"?|'[^']*'?|[^,}\]&\r\n]+)/gi;
/** Notion's token formats. */
const known = /\b(?:secret|ntn)_\w+/g;

export function maskSecrets(text: string): string {
  return text.replaceAll(named, '$1***').replaceAll(known, '***');
}
