import { Counter, type Registry } from 'prom-client';
import type { RequestOutcome } from '../server/observer.ts';

const LEVELS = 6;

/** Answers about modules by route and level of the ladder. Counted here, and handed to the registry when somebody looks: this is done for each request. */
export class AnswerCounts {
  /** By route, whose names are the operator's: the count of each level. */
  readonly #routes = new Map<string, number[]>();

  constructor(registry: Registry) {
    const routes = this.#routes;
    const counter: Counter<'route' | 'level'> = new Counter({
      name: 'larder_answers_total',
      help: 'Answers about modules that were not failures, by route and by the level of the ladder that they came from.',
      labelNames: ['route', 'level'],
      registers: [registry],
      collect() {
        counter.reset();
        for (const [route, counts] of routes)
          for (const [level, count] of counts.entries())
            if (count > 0) counter.inc({ route, level: String(level) }, count);
      },
    });
  }

  count({ route, level, code }: RequestOutcome): void {
    if (route === undefined || level === undefined || code !== undefined) return;
    let counts = this.#routes.get(route);
    if (counts === undefined) this.#routes.set(route, (counts = Array<number>(LEVELS).fill(0)));
    counts[level] = (counts[level] ?? 0) + 1;
  }
}
