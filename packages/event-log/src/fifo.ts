/** A queue whose every operation takes constant time however long it is (an array's `shift` does not). */
export interface Fifo<T> {
  readonly length: number;
  push(item: T): void;
  shift(): T | undefined;
  peek(): T | undefined;
  /** Keeps those that `keep` says, in their order. */
  filter(keep: (item: T) => boolean): void;
}

export function createFifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = [];
  let head = 0;
  return {
    get length() {
      return items.length - head;
    },
    push: (item) => {
      items.push(item);
    },
    shift() {
      if (head === items.length) return undefined;
      const item = items[head];
      items[head] = undefined;
      head += 1;
      if (head === items.length) {
        items = [];
        head = 0;
      } else if (head >= 1_024 && head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    peek: () => items[head],
    filter(keep) {
      items = items.slice(head).filter((item) => keep(item as T));
      head = 0;
    },
  };
}
