import type { ControlCommand, ControlDesk } from '../control/desk.ts';
import { openControl } from '../control/control.ts';
import type { Logger } from '../observe/logger.ts';
import type { StatusPage } from '../server/operations.ts';
import { AppError, messageOf } from '../std/errors.ts';
import type { Closing } from './closing.ts';

/** Opens the control socket of a server of the data folder `folder`. One that cannot have any serves all the same, and says so in the log. */
export async function openOwnControl(
  folder: string,
  desk: ControlDesk,
  { logger, closing }: { readonly logger: Logger; readonly closing: Closing },
): Promise<void> {
  try {
    const control = await openControl({ folder, desk });
    closing.add(() => control.close());
  } catch (error) {
    logger.warn(
      { why: messageOf(error) },
      'no control socket: larder status, offline and drill will not find this server',
    );
  }
}

/** `status`: how everything stands. Takes no input. */
export function statusCommand(standing: StatusPage): ControlCommand {
  return async () => await standing.read();
}

/** The switch of what leads outside. */
interface OfflineSwitch {
  setOffline(to: 'on' | 'off'): void;
  readonly isOffline: boolean;
}

/** `offline`: `{"to":"on"|"off"}` turns it, `{}` only asks. Answers how it stands then. */
export function offlineCommand(server: OfflineSwitch): ControlCommand {
  return async (input) => {
    const to = wantedOf(input);
    if (to !== undefined) server.setOffline(to);
    return { offline: server.isOffline };
  };
}

function wantedOf(input: unknown): 'on' | 'off' | undefined {
  const to = typeof input === 'object' && input !== null ? (input as { readonly to?: unknown }).to : undefined;
  if (to === undefined || to === 'on' || to === 'off') return to;
  throw new AppError('CONFIG_INVALID', 'switch offline: it is "on" or "off"');
}
