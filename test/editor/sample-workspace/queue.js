/** First in, first out. Try a method of your own: type `clear() {` after `toArray`. */
export class Queue {
  constructor() {
    this.head = null;
    this.tail = null;
    this.length = 0;
  }

  push(value) {
    const node = { value, next: null };
    if (this.tail) {
      this.tail.next = node;
    } else {
      this.head = node;
    }
    this.tail = node;
    this.length += 1;
  }

  shift() {
    if (!this.head) {
      return undefined;
    }
    const { value } = this.head;
    this.head = this.head.next;
    if (!this.head) {
      this.tail = null;
    }
    this.length -= 1;
    return value;
  }

  toArray() {
    const values = [];
    for (let node = this.head; node; node = node.next) {
      values.push(node.value);
    }
    return values;
  }
}
