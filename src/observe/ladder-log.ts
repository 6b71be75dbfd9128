import { LEVEL_NAMES } from '../ladder/level.ts';
import type { LadderObserver, LadderStep } from '../ladder/observer.ts';
import type { Logger } from './logger.ts';

/** Logs every step of the ladder: down as a warning, up as information. */
export function createLadderLog(logger: Logger): LadderObserver {
  return {
    onLadderStep({ route, from, to, why }: LadderStep): void {
      const fields = { kind: 'ladder', route, from, to, why, stands: LEVEL_NAMES[to] };
      if (why === 'back' || why === 'online') logger.info(fields, 'ladder: up');
      else logger.warn(fields, 'ladder: down');
    },
  };
}
