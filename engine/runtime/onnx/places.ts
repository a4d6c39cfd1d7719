/**
 * Places of a cache, each for one row, and how many sessions hold it: forks hold the places of what was read before them
 * together, and only their further rows take places of their own.
 */

/** Places that a cache gets beyond its session's, when forks need them; on a device, which cannot add any, from the start. */
export const SPARE_PLACES = 64;

export interface Places {
  readonly count: number;
  /** Free places, in ascending order, held once; none are taken where so many are not free. */
  take(wanted: number): number[] | undefined;
  /** One more session holds them. */
  hold(places: readonly number[]): void;
  release(places: readonly number[]): void;
  /** Adds free places. */
  grow(more: number): void;
}

export function createPlaces(size: number): Places {
  let holders = new Uint16Array(size);
  let free = size;
  return {
    get count() {
      return holders.length;
    },
    take(wanted) {
      if (wanted > free) return undefined;
      const found: number[] = [];
      for (let place = 0; found.length < wanted; place++) {
        if (holders[place] !== 0) continue;
        holders[place] = 1;
        found.push(place);
      }
      free -= wanted;
      return found;
    },
    hold(places) {
      for (const place of places) {
        const before = holders[place] as number;
        if (before === 0) free--;
        holders[place] = before + 1;
      }
    },
    release(places) {
      for (const place of places) {
        const left = (holders[place] as number) - 1;
        holders[place] = left;
        if (left === 0) free++;
      }
    },
    grow(more) {
      const grown = new Uint16Array(holders.length + more);
      grown.set(holders);
      holders = grown;
      free += more;
    },
  };
}
