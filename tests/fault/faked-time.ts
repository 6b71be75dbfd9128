/** The clock of whole processes, set by a test while they run: libfaketime. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';

const YEAR_DAYS = 365;
const DAY_S = 86_400;

/** The library to load before a program, as the command `faketime` of the machine would; undefined when there is none. */
export function faketimeLibrary(): string | undefined {
  const { status, stdout } = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const threaded = stdout.trim().replace(/libfaketime\.so/, 'libfaketimeMT.so');
  return existsSync(threaded) ? threaded : stdout.trim();
}

/** A wall clock that several processes share. Durations go on as they are. */
export class FakedTime {
  /** What a process that goes by this clock has in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  constructor(library: string, file: string) {
    this.#file = file;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      NO_FAKE_STAT: '1',
    };
    this.setDays(0);
  }

  /** Sets it so many days away from the machine's clock, at once. */
  setDays(days: number): void {
    const seconds = Math.round(days * DAY_S);
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  /** The same in years. */
  setYears(years: number): void {
    this.setDays(years * YEAR_DAYS);
  }
}
