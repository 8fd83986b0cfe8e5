import { z } from 'zod';

/** A person working in Notion through its REST API. */
export interface User {
  /** Throws when the response is not a success. */
  call(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<Answer>;
}

const answerSchema = z.looseObject({ id: z.string().optional() });
export type Answer = z.output<typeof answerSchema>;

export function createUser({ notionUrl, token }: { notionUrl: string; token: string }): User {
  return {
    call: async (method, path, body) => {
      const response = await fetch(notionUrl + path, {
        method,
        headers: { authorization: `Bearer ${token}`, 'notion-version': '2025-09-03', 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
      return answerSchema.parse(JSON.parse(text));
    },
  };
}
