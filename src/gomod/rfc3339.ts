/** RFC 3339 times, read as Go reads them. */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** The moment that `text` names, in whole seconds since 1970, UTC, strictly: a real date, capital T and Z, no leap second. Undefined otherwise. */
export function parseRfc3339(text: string): number | undefined {
  const m = RFC3339.exec(text);
  if (m === null) return undefined;
  const [, year, month, day, hour, minute, second, sign, offsetHour = '0', offsetMinute = '0'] = m;
  const local = secondsOf([year, month, day, hour, minute, second].map(Number));
  if (local === undefined || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined;
  const offset = (sign === '-' ? -60 : 60) * (Number(offsetHour) * 60 + Number(offsetMinute));
  return isFourDigitYear(local - offset) ? local - offset : undefined;
}

/** Seconds since 1970 of [year, month 1-12, day, hour, minute, second], UTC; undefined when there is no such date or time. */
export function secondsOf(fields: readonly number[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would read years below 100 as 19xx
  const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isReal || hour > 23 || minute > 59 || second > 59) return undefined;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}

function isFourDigitYear(seconds: number): boolean {
  const year = new Date(seconds * 1000).getUTCFullYear();
  return year >= 0 && year <= 9999;
}
