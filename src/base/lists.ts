/**
 * Takes `item` out of a short list; false when it is not in it. Lists instead of maps or sets where something comes
 * and goes with every request: a hash table that is filled and emptied all the time is copied again and
 * again, and since each old copy points to the next, the garbage collector promotes them one after the
 * other, with whatever they hold. Looks from the end, where what came last is.
 */
export function removeFrom<T>(list: T[], item: T): boolean {
  const place = list.lastIndexOf(item);
  if (place < 0) return false;
  list.splice(place, 1);
  return true;
}
