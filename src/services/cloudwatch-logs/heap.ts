/** A binary heap: `pop` gives the item that is before all others, `peek` shows it. */
export interface Heap<T> {
  push(item: T): void;
  pop(): T | undefined;
  peek(): T | undefined;
}

export function createHeap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  const isOrdered = (upper: number, lower: number): boolean => {
    const a = items[upper];
    const b = items[lower];
    return a === undefined || b === undefined || !isBefore(b, a);
  };
  const swap = (a: number, b: number): void => {
    [items[a], items[b]] = [items[b] as T, items[a] as T]; // both are in range
  };
  return {
    peek: () => items[0],
    push(item) {
      let at = items.push(item) - 1;
      for (let up = (at - 1) >> 1; at > 0 && !isOrdered(up, at); up = (at - 1) >> 1) {
        swap(up, at);
        at = up;
      }
    },
    pop() {
      const [top] = items;
      const last = items.pop();
      if (items.length === 0 || last === undefined) return top;
      items[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const down = isOrdered(left, left + 1) ? left : left + 1;
        if (down >= items.length || isOrdered(at, down)) return top;
        swap(at, down);
        at = down;
      }
    },
  };
}
