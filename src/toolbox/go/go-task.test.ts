import { describe, expect, test } from 'vitest';
import { modFlagOf } from './go-settings.ts';
import { taskOf } from './go-task.ts';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const of = (text: string): ReturnType<typeof taskOf> => taskOf(words(text), '/home');

describe('what a go command needs', () => {
  test.each([
    ['version', 'straight'],
    ['env GOPROXY', 'straight'],
    ['fmt ./...', 'straight'],
    ['clean -cache', 'straight'],
    ['help build', 'straight'],
    ['doc fmt', 'straight'],
    ['mod init x.test/a', 'straight'],
    ['mod edit -json', 'straight'],
    ['work use .', 'straight'],
    ['nonsense', 'straight'],
    ['', 'straight'],
    ['build ./...', 'packages'],
    ['test', 'packages'],
    ['run .', 'packages'],
    ['install ./cmd/a', 'packages'],
    ['list ./...', 'packages'],
    ['list -m all', 'modules'],
    ['mod download', 'modules'],
    ['mod download -x', 'modules'],
    ['mod vendor', 'modules'],
    ['mod why x.test/a', 'modules'],
    ['mod download x.test/a@latest', 'open'],
    ['mod tidy', 'open'],
    ['get -u ./...', 'open'],
    ['install x.test/a@latest', 'open'],
    ['run x.test/a@v1.0.0 -flag', 'open'],
    ['list -m -versions x.test/a', 'open'],
    ['list -m x.test/a@latest', 'open'],
    ['work sync', 'open'],
  ])('%s: %s', (text, needs) => expect(of(text).needs).toBe(needs));

  test.each([
    ['build -o out -tags a,b -ldflags -X=main.v=1 ./cmd/...', ['-tags=a,b'], ['./cmd/...']],
    ['build -tags=a -race --mod=mod .', ['-tags=a', '-race', '-mod=mod'], ['.']],
    ['test ./... -run TestX -v -count 1 -args -tags no ./not', [], ['./...']],
    ['test -timeout 5s -test.v ./a ./b', [], ['./a', './b']],
    ['run -tags x . -tags y ./z', ['-tags=x'], ['.']],
    ['run a.go b.go c', [], ['a.go', 'b.go']],
    ['build', [], []],
    ['list -f {{.Dir}} -json=Dir ./...', [], ['./...']],
    ['vet -copylocks ./...', [], ['./...']],
    ['vet -printf -composites=false -tags a -printf.funcs=Tell ./a ./b', ['-tags=a'], ['./a', './b']],
    ['vet -c 3 -printf.funcs Tell -vettool ./mine ./...', [], ['./...']],
    ['fix -minmax -diff ./...', [], ['./...']],
    ['test -c -vet printf ./...', [], ['./...']],
  ])('%s: the flags that matter, and the packages', (text, flags, patterns) => {
    expect(of(text)).toMatchObject({ flags, patterns });
  });

  test('-C is where it works, -mod what it says, and tests are looked at by test and vet', () => {
    expect(of('build -C sub ./...')).toMatchObject({ folder: '/home/sub', patterns: ['./...'] });
    expect(of('mod download -C=/other')).toMatchObject({ folder: '/other', needs: 'modules' });
    expect(of('build -mod vendor .')).toMatchObject({ mod: 'vendor', patterns: ['.'] });
    expect(of('build .')).not.toHaveProperty('mod');
    expect([of('test').withTests, of('vet').withTests, of('build').withTests]).toEqual([true, true, false]);
  });
});

describe('the -mod that counts', () => {
  test.each([
    ['', undefined, undefined],
    ['-mod=vendor', undefined, 'vendor'],
    ['-trimpath --mod=vendor', undefined, 'vendor'],
    ["'-mod=vendor' -trimpath", undefined, 'vendor'],
    ['-mod=vendor "-mod=mod"', undefined, 'mod'],
    ['-modcacherw -modfile=-mod=vendor', undefined, undefined],
    ['-mod=vendor', 'readonly', 'readonly'],
  ])('of GOFLAGS=%j and %s on the command line is %s', (goflags, commandLine, mod) => {
    expect(modFlagOf({ goflags }, commandLine)).toBe(mod);
  });
});
