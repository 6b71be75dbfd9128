/** Subjects of questions in words. */
import { type ArtifactId, escapePath, type ModulePath } from '../../src/gomod/module.ts';
import type { Subject } from './script.ts';

/** What an upstream is asked about it. */
export function questionOf(subject: Subject): string {
  if (subject.kind === 'branch') return `query ${subject.module}@main`;
  if (subject.kind !== 'artifact') return `${subject.kind} ${subject.module}`;
  const { kind, module } = subject.id;
  return `${kind === 'info' ? 'query' : kind} ${module.path}@${module.version}`;
}

/** The module that it is about. */
export function moduleOf(subject: Subject): ModulePath {
  return subject.kind === 'artifact' ? subject.id.module.path : subject.module;
}

/** What names an artifact. */
export function keyOf({ kind, module }: ArtifactId): string {
  return `${kind} ${escapePath(module.path)}@${module.version}`;
}

/** For people. */
export function nameOf(subject: Subject): string {
  return subject.kind === 'artifact' ? keyOf(subject.id) : `${subject.kind} ${subject.module}`;
}
