import type { Json, JsonObject } from '@notion-mirror/domain/database-content';
import { z } from 'zod';

export const timeOrNull = z.date().nullable();
export const textOrNull = z.string().nullable();
/** Stored JSON is returned as JSON. */
export const json = z.custom<Json>((value) => value !== undefined);
export const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
