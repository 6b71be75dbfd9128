import type { Admission } from '../admission/admission.ts';
import { createAdmission } from '../admission/admission.ts';
import { descriptorBudget } from '../admission/descriptor-budget.ts';
import { descriptorLimit, Sensors } from '../admission/sensors.ts';
import type { Config } from '../config/schema.ts';
import type { ListenerLimits } from '../server/listener.ts';
import { systemClock } from '../std/clock.ts';
import type { Closing } from './closing.ts';
import { admissionLimits, listenerLimits, processCount } from './limits.ts';
import type { Observers } from './observers.ts';

/** The turns of this process, within the configuration and the file descriptors that there are. */
export function openAdmission(config: Config): Admission {
  const limits = admissionLimits(config);
  return createAdmission(systemClock, { ...limits, sendings: budgetOf(config).sendings });
}

/** The bounds of the listener, with no more connections than there are descriptors for. */
export function affordableConnections(config: Config): ListenerLimits {
  return { ...listenerLimits(config), maxConnections: budgetOf(config).connections };
}

function budgetOf({ server, overload }: Config): ReturnType<typeof descriptorBudget> {
  const wanted = { connections: server.maxConnections, sendings: overload.sendings };
  return descriptorBudget(descriptorLimit(), wanted);
}

/** How often the sensors are read, ms. */
const READ_EVERY_MS = 500;

/** From now on the process is watched for shortages, and whoever looks at the metrics sees what is put off. */
export function watchOverload(
  admission: Admission,
  config: Config,
  { observers, closing }: { readonly observers: Observers; readonly closing: Closing },
): void {
  const { overload } = config;
  const sensors = new Sensors({
    memoryBytes: overload.memory === 0 ? undefined : overload.memory,
    processes: processCount(config),
  });
  const timer = setInterval(
    () => void sensors.read().then((readings) => admission.pressure.read(readings)),
    READ_EVERY_MS,
  ).unref();
  closing.add(async () => {
    clearInterval(timer);
    sensors.close();
  });
  exportTurns(admission, observers);
  exportReadings(admission, observers);
}

function exportTurns(admission: Admission, observers: Observers): void {
  const { metadata, zips, sendings } = admission;
  const kinds = Object.entries({ metadata, zips, sendings });
  const each = (name: string, help: string, read: 'running' | 'waiting' | 'limit'): void =>
    observers.watchEach(name, help, () =>
      kinds.map(([kind, turns]) => ({ labels: { kind }, value: turns.counts[read] })),
    );
  each('admission_running', 'Fetches and sendings of stored files that have a turn.', 'running');
  each('admission_waiting', 'Those that wait for one, or to hear that there is none.', 'waiting');
  each('admission_limit', 'Turns that there are, as things are now.', 'limit');
  observers.watchEach(
    'admission_shed',
    'Those that were turned away since the start, and work that nobody waited for.',
    () => [
      ...kinds.flatMap(([kind, turns]) =>
        Object.entries(turns.counts.refused).map(([reason, value]) => ({ labels: { kind, reason }, value })),
      ),
      ...Object.entries(admission.putOff).map(([shortage, value]) => ({
        labels: { kind: 'background', reason: `short of ${shortage}` },
        value,
      })),
    ],
  );
}

function exportReadings({ pressure }: Admission, observers: Observers): void {
  observers.watch(
    'admission_lag_seconds',
    'How late the event loop came, 99 times of 100, when it was last looked at.',
    () => pressure.readings.lagMs / 1000,
  );
  observers.watch(
    'admission_memory_ratio',
    'Part of the memory, or of the heap, that was in use then.',
    () => pressure.readings.memoryShare,
  );
  observers.watch(
    'admission_descriptor_ratio',
    'Part of the file descriptors that were open then.',
    () => pressure.readings.descriptorShare,
  );
}
