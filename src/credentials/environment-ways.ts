import { parseGoauth } from './goauth-setting.ts';
import { commandWay, gitWay } from './goauth.ts';
import { netrcFile, netrcPaths, type NetrcEntry } from './netrc.ts';
import { netrcWay, type Way, type WayParts } from './way.ts';

/** The process around us. */
interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
}

/** What GOAUTH of the environment names (netrc where it is not set), in its order. Does no IO. Throws CONFIG_INVALID when it cannot be used. */
export function environmentWays(around: Surroundings, parts: WayParts): readonly Way[] {
  return parseGoauth(around.environment['GOAUTH']).map((entry) => {
    if (entry.kind === 'netrc') return netrcWay('the netrc file', netrcReader(around), parts.known);
    if (entry.kind === 'git') return gitWay(entry.folder, parts);
    return commandWay(`the command ${entry.argv[0] ?? ''} of GOAUTH`, entry.argv, parts);
  });
}

/** Looks for the files each time: one may be made while we run. */
function netrcReader({ environment, home }: Surroundings): () => Promise<readonly NetrcEntry[]> {
  const files = netrcPaths(environment, home).map(netrcFile);
  return async () => {
    for (const file of files) {
      const entries = await file.readIfThere();
      if (entries !== undefined) return entries;
    }
    return [];
  };
}
