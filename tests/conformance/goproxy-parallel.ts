/** How many cases are in play at a time: they wait more than they compute. */
const LANES = 4;

/** Runs `work` on every item, a few at a time, in order of their start. Rejects with the first failure, when all that started have ended. */
export async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}
