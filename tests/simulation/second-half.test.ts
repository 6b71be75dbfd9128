/** Half of the schedules of every test run; the other half runs beside it. */
import { test } from 'vitest';
import { expectNothingWrong, HALF } from './schedules.ts';

test('50,000 schedules with faults break no invariant', { timeout: 900_000 }, () => expectNothingWrong(1 + HALF));
