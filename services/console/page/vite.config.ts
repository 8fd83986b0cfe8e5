import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The server replaces this in index.html by a fresh nonce for each answer, and names the same nonce in `style-src`. */
const noncePlaceholder = '__NONCE__';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  html: { cspNonce: noncePlaceholder },
  build: {
    target: 'baseline-widely-available',
    manifest: true,
    // Nothing is inlined: `data:` is allowed for images only.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  // Of `vite`, while one edits: README.md.
  server: { proxy: { '/api': { target: process.env['MIRROR_CONSOLE_URL'] ?? 'http://127.0.0.1:3200', changeOrigin: true } } },
});
