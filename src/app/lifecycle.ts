/** How it is to end. */
export interface DrainOrder {
  /** Takes new requests for a while first, so that load balancers notice. */
  readonly lingers: boolean;
  /** Whether others serve in its place: then there is nothing for load balancers to notice. */
  readonly othersServe?: boolean;
}

/** What runs and can be stopped. */
export interface Running {
  /**
   * Lets requests in progress finish, then frees everything. Resolves in bounded time; may be called once.
   */
  drain(o: DrainOrder): Promise<void>;
  /** Ends everything now, also in the middle of a drain. Never rejects. */
  stopNow(): Promise<void>;
  /** Records a defect that nobody caught. */
  logFatal(error: unknown): void;
}

/** The events of a process that end a server. */
export interface SignalSource {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
}

// SIGHUP as well: its default would end the process in the middle of replies when a terminal closes.
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const DEFECTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Resolves when `running` has stopped: true after a signal (the first drains, the second stops at once), false after a defect that
 * nobody caught, which is logged. After such a defect nothing in the process can be trusted, so it ends at once.
 */
export async function runUntilStopped(
  running: Running,
  o: { readonly signals?: SignalSource; readonly onDraining?: () => void } = {},
): Promise<boolean> {
  const signals = o.signals ?? process;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let drains = false;
  const stop = async (isClean: boolean): Promise<void> => {
    await running.stopNow();
    resolve(isClean);
  };
  const onDefect = (error: unknown): void => {
    running.logFatal(error);
    void stop(false);
  };
  const onSignal = (name: unknown): void => {
    if (drains) return void stop(true);
    drains = true;
    o.onDraining?.();
    // Load balancers are told by SIGTERM; who presses Ctrl-C sits in front of it.
    running.drain({ lingers: name === 'SIGTERM' }).then(() => resolve(true), onDefect);
  };
  for (const name of STOP_SIGNALS) signals.on(name, onSignal);
  for (const name of DEFECTS) signals.on(name, onDefect);
  try {
    return await promise;
  } finally {
    for (const name of STOP_SIGNALS) signals.off(name, onSignal);
    for (const name of DEFECTS) signals.off(name, onDefect);
  }
}

/** A signal that the first stop of the process aborts; a second one ends the process at once, as without it. `close` ends the listening. */
export function signalOfStop(signals: SignalSource = process): { readonly signal: AbortSignal; close(): void } {
  const stop = new AbortController();
  const close = (): void => {
    for (const name of STOP_SIGNALS) signals.off(name, onSignal);
  };
  const onSignal = (): void => {
    close();
    stop.abort();
  };
  for (const name of STOP_SIGNALS) signals.on(name, onSignal);
  return { signal: stop.signal, close };
}
