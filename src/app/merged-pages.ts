import type { MetricsPage } from '../server/operations.ts';

/** `own`, but rendered by whoever knows of all processes; alone when that one cannot be asked. */
export function pageFrom(own: MetricsPage, all: () => Promise<unknown>): MetricsPage {
  return {
    contentType: own.contentType,
    render: async () => {
      const page = await all().catch(() => undefined);
      return typeof page === 'string' ? page : await own.render();
    },
  };
}
