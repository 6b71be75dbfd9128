/** Writes the reference pages that are made from the code: `node tools/generate-docs.ts`. A test says when they are not current. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { cliReference } from '../src/cli/reference.ts';
import { configReference } from '../src/config/reference.ts';

const folder = resolve(import.meta.dirname, '../docs/reference');
writeFileSync(resolve(folder, 'config.md'), configReference());
writeFileSync(resolve(folder, 'cli.md'), cliReference());
