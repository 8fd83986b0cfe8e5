import { oneLine } from '../text.ts';

/** How much of a value is shown, in characters. */
const shown = 1_024;
/** How much is looked at: a name and its value may lie across the end of what is shown. */
const examined = 4 * shown;

export interface ValuePreview {
  readonly text: string;
  readonly hex: string | null;
  readonly isCut: boolean;
}

/**
 * The beginning of a value of which nobody knows what it is. What may be a token or a password is `***`: the body of a handshake that could
 * not be read holds one, in whatever form. Bytes as they are (`hex`) could not be masked, so they are given for no webhook, and not when
 * anything was masked.
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

/** As UTF-8, or byte by byte when it is not; UTF-16 and escapes of JSON are undone as far as ASCII goes, so that words can be found. */
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
/** The forms of Notion's own. */
const known = /\b(?:secret|ntn)_\w+/g;

export function maskSecrets(text: string): string {
  return text.replaceAll(named, '$1***').replaceAll(known, '***');
}
