/** A setting or a message with every user and password of a URL in it hidden: some of them may hold one though they are no secrets by themselves. */
export function withoutUserInfo(text: string): string {
  return text.replaceAll(/(\w:\/\/)[^\s/"']*@/g, '$1***@');
}
