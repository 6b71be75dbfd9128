import { shown } from '../shown.ts';
import {
  type Directive,
  DirectiveError,
  onlyOnce,
  readGo,
  readGodebug,
  readOnlyString,
  readReplace,
  readToolchain,
} from './directives.ts';
import { type DirectiveReader, interpret } from './interpret.ts';
import type { GodebugDirective, ReplaceDirective, WorkFile } from './mod-file.ts';
import type { ParseResult } from './problem.ts';
import type { FileSyntax } from './syntax.ts';

/** Reads a go.work. There is one reading, a strict one: workspaces are never published. */
export function parseWorkFile(goWork: Uint8Array): ParseResult<WorkFile> {
  return interpret(goWork, new WorkFileReader());
}

const BLOCK_VERBS: ReadonlySet<string> = new Set(['godebug', 'use', 'replace']);

class WorkFileReader implements DirectiveReader<WorkFile> {
  readonly blockVerbs = BLOCK_VERBS;
  readonly isLax = false;
  #go: string | undefined;
  #toolchain: string | undefined;
  readonly #godebug: GodebugDirective[] = [];
  readonly #use: string[] = [];
  readonly #replace: ReplaceDirective[] = [];

  read(directive: Directive): void {
    const { verb } = directive;
    if (verb === 'go') this.#go = onlyOnce(this.#go, verb) ?? readGo(directive, false);
    else if (verb === 'toolchain') this.#toolchain = onlyOnce(this.#toolchain, verb) ?? readToolchain(directive);
    else if (verb === 'godebug') this.#godebug.push(readGodebug(directive));
    else if (verb === 'use') this.#use.push(readOnlyString(directive, 'use DIRECTORY'));
    else if (verb === 'replace') this.#replace.push(readReplace(directive));
    else throw new DirectiveError(`unknown directive ${shown(verb)}`);
  }

  finish(syntax: FileSyntax): WorkFile {
    return {
      ...(this.#go !== undefined && { go: this.#go }),
      ...(this.#toolchain !== undefined && { toolchain: this.#toolchain }),
      godebug: this.#godebug,
      use: this.#use,
      replace: this.#replace,
      syntax,
    };
  }
}
