/** No version of this program is older: a clock that stands before this is wrong. */
const FIRST_MADE_AT = Date.UTC(2026, 0, 1);
const ABOUT_DATES: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/** The day (YYYY-MM-DD) that a wrong clock of this machine shows at `now` (wall ms), when a certificate was refused with `code` for its dates; undefined when the clock may be right (reliability: R9). */
export function doubtfulDay(code: string, now: number): string | undefined {
  return ABOUT_DATES.has(code) && now < FIRST_MADE_AT ? new Date(now).toISOString().slice(0, 10) : undefined;
}
