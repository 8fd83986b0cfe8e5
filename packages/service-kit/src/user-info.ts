/** Hides user and password of every URL in a text: settings and messages that are not secret themselves may contain one. */
export function withoutUserInfo(text: string): string {
  return text.replaceAll(/(\w:\/\/)[^\s/"']*@/g, '$1***@');
}
