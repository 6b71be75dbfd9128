import type { Clock } from '../std/clock.ts';

const DAY_MS = 86_400_000;
/** Days before the end at which it is told; 0 = it has come. */
const TOLD_AT_DAYS = [0, 1, 7, 14, 30] as const;

/** Tells when the end of a certificate comes near: once for each of 30, 14, 7 and 1 days before it, and when it has come. A new certificate begins anew. */
export class CertificateEnd {
  readonly #clock: Clock;
  readonly #onNear: (notAfter: number) => void;
  #notAfter: number | undefined;
  #toldAtDays = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onNear: (notAfter: number) => void) {
    this.#clock = clock;
    this.#onNear = onNear;
  }

  /** Wall time in ms; undefined while there is no certificate. */
  get notAfter(): number | undefined {
    return this.#notAfter;
  }

  /** The certificate from now on. */
  use(notAfter: number): void {
    this.#notAfter = notAfter;
    this.#toldAtDays = Number.POSITIVE_INFINITY;
    this.look();
  }

  /** To be called now and then. */
  look(): void {
    if (this.#notAfter === undefined) return;
    const leftMs = this.#notAfter - this.#clock.now();
    const mark = TOLD_AT_DAYS.find((days) => leftMs <= days * DAY_MS);
    if (mark === undefined || mark >= this.#toldAtDays) return;
    this.#toldAtDays = mark;
    this.#onNear(this.#notAfter);
  }
}
