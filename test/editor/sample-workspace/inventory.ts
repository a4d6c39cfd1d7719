/** A small warehouse. Delete a line in a method and type it again, or put a new method between two others. */

export interface Item {
  name: string;
  price: number;
  quantity: number;
}

export class Inventory {
  private items = new Map<string, Item>();

  add(item: Item): void {
    const existing = this.items.get(item.name);
    if (existing) {
      existing.quantity += item.quantity;
    } else {
      this.items.set(item.name, { ...item });
    }
  }

  remove(name: string, quantity: number): void {
    const existing = this.items.get(name);
    if (!existing) {
      throw new Error(`No such item: ${name}`);
    }
    if (existing.quantity < quantity) {
      throw new Error(`Only ${existing.quantity} of ${name} left`);
    }
    existing.quantity -= quantity;
  }

  find(name: string): Item | undefined {
    return this.items.get(name);
  }

  totalPrice(): number {
    let total = 0;
    for (const item of this.items.values()) {
      total += item.price * item.quantity;
    }
    return total;
  }

  totalQuantity(): number {
    let total = 0;
    for (const item of this.items.values()) {
      total += item.quantity;
    }
    return total;
  }
}
