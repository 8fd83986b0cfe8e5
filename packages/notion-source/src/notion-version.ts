/** The version of Notion's API that every request names. From 2026-03-11 on, objects say `in_trash` and no longer `archived`. */
export const notionVersion = '2026-03-11';
