import { shown } from '../shown.ts';
import { deprecation, directiveComment, isIndirect } from './comments.ts';
import {
  type Directive,
  DirectiveError,
  onlyOnce,
  readGo,
  readGodebug,
  readInterval,
  readOnlyString,
  readPathVersion,
  readReplace,
  readToolchain,
} from './directives.ts';
import { type DirectiveReader, interpret } from './interpret.ts';
import type {
  GodebugDirective,
  ModFile,
  ModuleDirective,
  PathVersion,
  ReplaceDirective,
  RequireDirective,
  Retraction,
} from './mod-file.ts';
import type { ParseResult } from './problem.ts';
import type { FileSyntax } from './syntax.ts';

/** Reads the go.mod of a main module: whatever is unknown, repeated or malformed is a problem. Every module path in it is only as good as its file. */
export function parseModFile(goMod: Uint8Array): ParseResult<ModFile> {
  return interpret(goMod, new ModFileReader(false));
}

/**
 * Reads the go.mod of a dependency, as a proxy or a client of one does: only `module`, `go`, `require`, `retract` and
 * `ignore` have a meaning, everything else is skipped, so that files for newer Go commands can be read. Syntax errors, and
 * wrong arguments of these five (an unknown form of interval excepted), are still problems.
 */
export function parseModFileLax(goMod: Uint8Array): ParseResult<ModFile> {
  return interpret(goMod, new ModFileReader(true));
}

const BLOCK_VERBS: ReadonlySet<string> = new Set([
  'module',
  'godebug',
  'require',
  'exclude',
  'replace',
  'retract',
  'tool',
  'ignore',
]);
const LAX_VERBS: ReadonlySet<string> = new Set(['module', 'go', 'require', 'retract', 'ignore']);

class ModFileReader implements DirectiveReader<ModFile> {
  readonly blockVerbs = BLOCK_VERBS;
  readonly isLax: boolean;
  #module: ModuleDirective | undefined;
  #go: string | undefined;
  #toolchain: string | undefined;
  readonly #godebug: GodebugDirective[] = [];
  readonly #require: RequireDirective[] = [];
  readonly #exclude: PathVersion[] = [];
  readonly #replace: ReplaceDirective[] = [];
  readonly #retract: Retraction[] = [];
  readonly #tool: string[] = [];
  readonly #ignore: string[] = [];

  constructor(isLax: boolean) {
    this.isLax = isLax;
  }

  read(directive: Directive): void {
    const { verb, line } = directive;
    if (this.isLax && !LAX_VERBS.has(verb)) return;
    if (verb === 'module') this.#readModule(directive);
    else if (verb === 'go') this.#go = onlyOnce(this.#go, verb) ?? readGo(directive, this.isLax);
    else if (verb === 'toolchain') this.#toolchain = onlyOnce(this.#toolchain, verb) ?? readToolchain(directive);
    else if (verb === 'godebug') this.#godebug.push(readGodebug(directive));
    else if (verb === 'require')
      this.#require.push({ ...readPathVersion(directive, verb), isIndirect: isIndirect(line) });
    else if (verb === 'exclude') this.#exclude.push(readPathVersion(directive, verb));
    else if (verb === 'replace') this.#replace.push(readReplace(directive));
    else if (verb === 'retract') this.#readRetract(directive);
    else if (verb === 'tool') this.#tool.push(readOnlyString(directive, 'tool PACKAGE'));
    else if (verb === 'ignore') this.#ignore.push(readOnlyString(directive, 'ignore DIRECTORY'));
    else throw new DirectiveError(`unknown directive ${shown(verb)}`);
  }

  #readModule(directive: Directive): void {
    onlyOnce(this.#module, directive.verb);
    const deprecated = deprecation(directiveComment(directive.block, directive.line));
    const path = readOnlyString(directive, 'module PATH');
    this.#module = deprecated === undefined ? { path } : { path, deprecated };
  }

  /** A dependency may use forms of interval that are not invented yet: those are skipped, and so is what follows a known one. */
  #readRetract(directive: Directive): void {
    const interval = readInterval(directive);
    const isWhole = interval !== undefined && interval.taken === directive.count;
    if (!isWhole && !this.isLax) throw new DirectiveError('expected retract VERSION or retract [LOW, HIGH]');
    if (interval === undefined) return;
    this.#retract.push({
      low: interval.low,
      high: interval.high,
      rationale: directiveComment(directive.block, directive.line),
    });
  }

  finish(syntax: FileSyntax): ModFile {
    return {
      ...(this.#module !== undefined && { module: this.#module }),
      ...(this.#go !== undefined && { go: this.#go }),
      ...(this.#toolchain !== undefined && { toolchain: this.#toolchain }),
      godebug: this.#godebug,
      require: this.#require,
      exclude: this.#exclude,
      replace: this.#replace,
      retract: this.#retract,
      tool: this.#tool,
      ignore: this.#ignore,
      syntax,
    };
  }
}
