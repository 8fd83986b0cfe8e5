import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import type { Random } from '../random.ts';

/** A picture as stored. `stored_file` is a file hosted by Notion, whose URL is signed again for every response. */
interface StoredFile {
  readonly type: 'stored_file';
  readonly fileId: string;
}
export type StoredIcon = StoredFile | { readonly type: 'answer'; readonly answer: JsonObject };
export type StoredCover = StoredIcon;

const fileUpload = z.looseObject({ type: z.literal('file_upload').optional(), file_upload: z.looseObject({ id: z.string() }) });
const external = z.looseObject({ type: z.literal('external').optional(), external: z.looseObject({ url: z.string() }) });
const emoji = z.looseObject({ type: z.literal('emoji').optional(), emoji: z.string() });
const customEmoji = z.looseObject({
  type: z.literal('custom_emoji').optional(),
  custom_emoji: z.looseObject({ id: z.string(), name: z.string().optional(), url: z.string().optional() }),
});
const namedIcon = z.looseObject({
  type: z.literal('icon').optional(),
  icon: z.looseObject({ name: z.string(), color: z.string().optional() }),
});

const storedFile = fileUpload.transform(({ file_upload }): StoredIcon => ({ type: 'stored_file', fileId: file_upload.id }));
const storedExternal = external.transform(({ external: { url } }): StoredIcon => answered({ type: 'external', external: { url } }));

/** Parses an icon of a request. */
export const iconRequest = z.union([
  storedFile,
  storedExternal,
  emoji.transform(({ emoji: text }): StoredIcon => answered({ type: 'emoji', emoji: text })),
  customEmoji.transform(
    ({ custom_emoji: { id, name = 'custom', url = `https://s3-us-west-2.amazonaws.com/emoji/${id}.png` } }): StoredIcon =>
      answered({ type: 'custom_emoji', custom_emoji: { id, name, url } }),
  ),
  namedIcon.transform(({ icon: { name, color = 'gray' } }): StoredIcon => answered({ type: 'icon', icon: { name, color } })),
]);

/** Parses a cover of a request. */
export const coverRequest = z.union([storedFile, storedExternal]);

function answered(answer: JsonObject): StoredIcon {
  return { type: 'answer', answer };
}

/** The API's form of a picture. A file hosted by Notion gets a signed URL, valid for one hour and new each time. */
export function renderFile(
  stored: StoredIcon | null,
  { workspaceId, now, random }: { workspaceId: string; now: number; random: Random },
): JsonObject | null {
  if (stored === null) return null;
  if (stored.type === 'answer') return stored.answer;
  const date = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
    'X-Amz-Credential': `EMULATED/${date.slice(0, 8)}/us-west-2/s3/aws4_request`,
    'X-Amz-Date': date,
    'X-Amz-Expires': '3600',
    'X-Amz-Signature': random.hex(64),
    'X-Amz-SignedHeaders': 'host',
    'x-id': 'GetObject',
  });
  const url = `https://prod-files-secure.s3.us-west-2.amazonaws.com/${workspaceId}/${stored.fileId}/picture.png?${query.toString()}`;
  return { type: 'file', file: { url, expiry_time: new Date(now + 3_600_000).toISOString() } };
}
