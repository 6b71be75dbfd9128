import { chinese } from './messages-zh.ts';
import { english } from './messages-en.ts';
import type { AnchorMessages } from './messages-anchors.ts';
import type { ControlMessages } from './messages-control.ts';
import type { DrillMessages } from './messages-drill.ts';
import type { LedgerMessages } from './messages-ledger.ts';
import type { ProofMessages } from './messages-proof.ts';
import type { ToolboxMessages } from './messages-toolbox.ts';
import { redactText } from '../config/redact.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { isAppError, messageOf } from '../std/errors.ts';

export type Language = 'en' | 'zh';

/** Something that went wrong in two lines: what, and what to do about it. */
export interface Wording {
  readonly what: string;
  readonly fix: string;
}

/** Facts about a failure to start, as app/ reports them in `AppError.detail`. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a start block says. All texts are safe to show. */
export interface StartFacts {
  readonly version: string;
  readonly url: string;
  readonly upstream: string;
  readonly upstreamOrigin: string;
  readonly data: string;
  readonly configFile?: string;
}

/** How each kind of configuration problem is put. */
export type ProblemWords = {
  readonly [Kind in ConfigProblem['kind']]: (problem: Extract<ConfigProblem, { readonly kind: Kind }>) => Wording;
};

/** Every line that people read, in one language. */
export interface Messages {
  readonly language: Language;
  readonly whatToDo: string;
  /** Between a place and what is wrong there. */
  readonly colon: string;
  readonly program: string;
  readonly commands: Readonly<Record<'serve' | 'fsck' | 'config' | 'check' | 'print' | 'version', string>>;
  readonly flags: Readonly<
    Record<
      | 'config'
      | 'listen'
      | 'data'
      | 'upstream'
      | 'modcache'
      | 'offline'
      | 'workers'
      | 'logLevel'
      | 'set'
      | 'json'
      | 'repair'
      | 'effective'
      | 'lang'
      | 'help'
      | 'version',
      string
    >
  >;
  /** Titles in a help page, by the English one without its colon. */
  readonly titles: Readonly<Record<'Usage' | 'Arguments' | 'Options' | 'Commands', string>>;
  readonly seeHelp: (command: string) => string;
  readonly takesNoArgument: (command: string, argument: string) => string;
  readonly needsValue: (flag: string) => string;
  readonly needsArgument: (command: string, argument: string) => string;
  readonly noSuchLanguage: (name: string) => string;
  readonly unknownCommand: (name: string, nearest: string | undefined) => string;
  readonly unknownFlag: (name: string, nearest: string | undefined) => string;
  readonly configIsRight: string;
  readonly configIsWrong: (count: number) => string;
  readonly nothingSet: string;
  readonly start: (facts: StartFacts) => readonly string[];
  readonly draining: (seconds: number) => string;
  readonly stopped: string;
  readonly filesChecked: (checked: number) => string;
  readonly fsckRow: Readonly<Record<FsckCount, string>>;
  readonly stoppedEarly: string;
  readonly fsckFix: string;
  readonly proof: ProofMessages;
  readonly ledger: LedgerMessages;
  readonly anchors: AnchorMessages;
  readonly drill: DrillMessages;
  readonly control: ControlMessages;
  readonly toolbox: ToolboxMessages;
  readonly problems: ProblemWords;
  /** Known failures to start, by `detail.reason`. */
  readonly reasons: Readonly<Partial<Record<string, (facts: Facts) => Wording>>>;
  readonly internal: string;
}

/** The numbers that fsck ends with. */
export type FsckCount = 'checked' | 'partial' | 'altered' | 'orphaned' | 'foreign' | 'repaired' | 'seconds';

/** The messages of a language. */
export function messagesFor(language: Language): Messages {
  return language === 'zh' ? chinese : english;
}

/** A configuration problem in words. */
export function inWords(problem: ConfigProblem, { problems }: Messages): Wording {
  const put = problems[problem.kind] as (problem: ConfigProblem) => Wording;
  return put(problem);
}

/** A failure in words: what, with the key and where it was written where that is known, and what to do where that is known. Shows no password and no signer key. */
export function failureInWords(error: unknown, messages: Messages): { readonly what: string; readonly fix?: string } {
  const detail: Facts = isAppError(error) ? error.detail : {};
  const wording = messages.reasons[String(detail['reason'])]?.(detail);
  if (wording !== undefined)
    return { what: `${placeOf(detail, messages)}${redactText(wording.what)}`, fix: wording.fix };
  const isKnown = isAppError(error) && error.code !== 'INTERNAL';
  return { what: redactText(messageOf(error)), ...(isKnown ? {} : { fix: messages.internal }) };
}

function placeOf({ key, origin }: Facts, { colon }: Messages): string {
  if (origin === 'default') return `${key} (default)${colon}`;
  return [origin, key].flatMap((part) => (part === undefined ? [] : [`${part}${colon}`])).join('');
}

/** `--lang` where given, else Chinese when the locale is (LC_ALL, LC_MESSAGES, LANG: the first that is set), else English. */
export function languageOf(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Language {
  const locale =
    namedLanguage(argv) ??
    ['LC_ALL', 'LC_MESSAGES', 'LANG']
      .map((name) => environment[name])
      .find((value) => value !== undefined && value !== '');
  return locale?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** The value of `--lang`, whatever it is. What stands behind `--` is another program's. */
export function namedLanguage(all: readonly string[]): string | undefined {
  const end = all.indexOf('--');
  const argv = end < 0 ? all : all.slice(0, end);
  const at = argv.findIndex((arg) => arg === '--lang' || arg.startsWith('--lang='));
  if (at < 0) return undefined;
  return argv[at]?.includes('=') ? argv[at].slice('--lang='.length) : argv[at + 1];
}
