/** Scenarios whose times other processes on the machine can spoil. */

/** What is asked of the figures of a scenario. */
export interface Demands<T> {
  /** Throws where something is wrong that no busy machine excuses. Of every try: what failed is not made good by the next one. */
  readonly always: (figures: T) => void;
  /** Whether it took no longer than it may. */
  readonly wellTimed: (figures: T) => boolean;
}

const TRIES = 3;

/** The figures of the first try that is well timed, else of the last, each printed. Tries count from 1. */
export async function tried<T>(
  name: string,
  scenario: (nth: number) => Promise<T>,
  { always, wellTimed }: Demands<T>,
): Promise<T> {
  for (let nth = 1; ; nth++) {
    const figures = await scenario(nth);
    tell(name, figures);
    always(figures);
    if (wellTimed(figures) || nth === TRIES) return figures;
  }
}

/** Prints figures. */
export function tell(name: string, figures: unknown): void {
  const round = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Math.round(value * 10) / 10 : value;
  process.stdout.write(`${name}: ${JSON.stringify(figures, round)}\n`);
}
