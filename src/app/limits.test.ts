import { describe, expect, test } from 'vitest';
import { DEFAULT_ADMISSION } from '../admission/admission.ts';
import { loadConfig } from '../config/load.ts';
import { DEFAULT_LIMITS } from '../resolver/limits.ts';
import { defaultEdgeOptions } from '../server/edge.ts';
import { defaultDrainTimes, defaultListenerLimits } from '../server/listener.ts';
import { admissionLimits, drainTimes, edgeOptions, listenerLimits, resolverLimits } from './limits.ts';

const around = {
  environment: { GOENV: 'off' },
  folder: '/nowhere',
  home: '/nowhere',
  localNames: [],
};
const loaded = loadConfig({ values: new Map(), sets: [] }, around);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const { config } = loaded;

describe('the default configuration', () => {
  test('gives every part the bounds that the part itself would choose', () => {
    expect(resolverLimits(config)).toEqual(DEFAULT_LIMITS);
    expect(admissionLimits(config)).toEqual(DEFAULT_ADMISSION);
    expect(edgeOptions(config, 'x')).toEqual({ ...defaultEdgeOptions, instanceId: 'x' });
    expect(listenerLimits(config)).toEqual(defaultListenerLimits);
    expect(drainTimes(config)).toEqual(defaultDrainTimes);
  });
});
