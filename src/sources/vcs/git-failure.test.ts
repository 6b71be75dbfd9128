import { describe, expect, test } from 'vitest';
import { remoteFailure } from './git-failure.ts';

function codeOf(stderr: string): string | undefined {
  return remoteFailure('fetch ssh://git.corp.example/x', { exitCode: 128, stderr })?.code;
}

describe('what a remote says', () => {
  const unread = 'fatal: Could not read from remote repository.';
  test.each([
    ['ERROR: Repository not found.', 'AUTH_REQUIRED'],
    [
      'remote: ERROR: The project you were looking for could not be found or you do not have permission to view it.',
      'AUTH_REQUIRED',
    ],
    ["fatal: '/srv/x.git' does not appear to be a git repository", 'NOT_FOUND'],
    ["fatal: repository 'http://127.0.0.1/x/' not found", 'NOT_FOUND'],
  ])('%j is certain of an absence only where nobody could have hidden it: %s', (line, code) => {
    expect(codeOf(`${line}\n\n${unread}`)).toBe(code);
  });

  test('is followed by what to set, where that is known, when it is about who asks', () => {
    const said = (stderr: string) =>
      remoteFailure('fetch x', { exitCode: 128, stderr, advice: 'set another key' })?.message;
    expect(said('ERROR: Repository not found.')).toMatch(/^fetch x: it shows no such repository .*; set another key$/);
    expect(said("fatal: '/srv/x.git' does not appear to be a git repository")).not.toContain('set another key');
  });

  test.each([
    ['fatal: remote error: Internal Server Error', 'UPSTREAM_UNAVAILABLE'],
    ['fatal: remote error: upload-pack: not our ref 0123', 'UPSTREAM_UNAVAILABLE'],
    ['fatal: protocol error: bad line length character: Welc', 'UPSTREAM_BAD_RESPONSE'],
  ])('%j is no damage of the mirror: %s', (line, code) => {
    expect(codeOf(line)).toBe(code);
  });

  test.each([
    'fatal: bad object refs/heads/main',
    'error: object directory /x does not exist; check .git/objects/info/alternates',
  ])('%j may be about our own files', (line) => {
    expect(codeOf(line)).toBeUndefined();
  });
});
