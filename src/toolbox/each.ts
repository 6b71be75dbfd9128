/** Does `act` for each of `items`, `limit` at a time, and stops taking new ones after the first failure, which it rejects with once none is under way. */
export async function each<T>(items: Iterable<T>, limit: number, act: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (!hasFailed) {
      const next = rest.next();
      if (next.done === true) return;
      try {
        await act(next.value);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: limit }, work));
  const failed = workers.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
