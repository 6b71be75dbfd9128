import type { UpstreamEvent } from '../upstream/observer.ts';
import type { Logger } from './logger.ts';

/**
 * Tells `logger` what befalls upstreams, one line each, `"kind":"upstream"`: who is left alone and why, who is back, each step of a canary. At level warn when one is lost, at info when
 * one is won; what only slows us down is info, too.
 */
export function createUpstreamLog(logger: Logger): (event: UpstreamEvent) => void {
  return (event) => {
    const { pool, member, drill } = event;
    const facts = { kind: 'upstream', pool, member, ...(drill !== undefined && { drill }) };
    if (event.kind === 'throttled')
      return logger.info({ ...facts, forMs: Math.round(event.forMs) }, 'upstream throttles us');
    const step = { ...facts, from: event.from, to: event.to };
    if (event.kind === 'canary') {
      const fields = { ...step, why: event.why };
      return event.to === 0 ? logger.warn(fields, 'canary rolled back') : logger.info(fields, 'canary stage');
    }
    const fields = { ...step, why: event.reason, message: event.message };
    return event.to === 'open' ? logger.warn(fields, 'upstream left alone') : logger.info(fields, 'upstream state');
  };
}
