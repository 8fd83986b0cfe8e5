import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';
import sirv from 'sirv';

/** What index.html holds wherever the nonce belongs: page/vite.config.ts. */
const noncePlaceholder = '__NONCE__';

export interface PageFiles {
  /** Changes with each build. */
  readonly build: string;
  /** The one document, which every address of the page shows. */
  document(): { readonly html: string; readonly nonce: string };
  /** Serves a file of the folder; calls `otherwise` when there is none. */
  serve(request: IncomingMessage, response: ServerResponse, otherwise: () => void): void;
}

/** Reads the built page's folder once; null: it is missing. Files below `assets/` have a hash in their names, so browsers may keep them. */
export function openPageFiles(folder: string): PageFiles | null {
  const index = join(folder, 'index.html');
  if (!existsSync(index)) return null;
  const html = readFileSync(index, 'utf8');
  const serve = sirv(folder, {
    etag: true,
    gzip: true,
    extensions: [],
    setHeaders(response, path) {
      response.setHeader('cache-control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const stamp = join(folder, 'build.json');
  const build = existsSync(stamp) ? buildOf(readFileSync(stamp, 'utf8')) : '';
  return {
    build,
    document() {
      const nonce = randomBytes(16).toString('base64');
      return { html: html.replaceAll(noncePlaceholder, nonce), nonce };
    },
    serve(request, response, otherwise) {
      // Only the document itself has a nonce.
      if (/^\/(index\.html)?(\?|$)/.test(request.url ?? '')) otherwise();
      else serve(request, response, otherwise);
    },
  };
}

function buildOf(stamp: string): string {
  const { build } = JSON.parse(stamp) as { readonly build?: unknown };
  return typeof build === 'string' ? build : '';
}
