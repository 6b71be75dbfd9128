import * as z from 'zod';
import type { KeyFacts } from './leaves.ts';
import { schema } from './schema.ts';

/** One key and what its schema says about it. */
export interface KeySpec extends KeyFacts {
  /** Dotted: `tls.cert`. */
  readonly key: string;
  /** The environment variable that sets it: `LARDER_TLS_CERT`. */
  readonly variable: string;
}

/** All keys, in the order of the schema. */
export function keySpecs(): readonly KeySpec[] {
  return specsOf(schema, '');
}

function specsOf(section: z.ZodObject, prefix: string): KeySpec[] {
  return Object.entries(section.shape).flatMap(([name, inner]) => {
    const key = prefix + name;
    if (inner instanceof z.ZodObject) return specsOf(inner, `${key}.`);
    return [{ variable: variableOf(key), ...((inner as z.ZodType).meta() as unknown as KeyFacts), key }];
  });
}

/** `tls.cert` -> `LARDER_TLS_CERT`, `verify.goSum` -> `LARDER_VERIFY_GO_SUM`. */
function variableOf(key: string): string {
  return `LARDER_${key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}
