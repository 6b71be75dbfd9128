import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findInNetrc, netrcFile, netrcPaths, parseNetrc } from './netrc.ts';

const entry = { machine: 'h', login: 'u', password: 'p' };

describe('netrc', () => {
  test.each([
    ['machine h login u password p', [entry]],
    ['machine h\nlogin u\n\npassword p\n', [entry]],
    ['machine other login u machine h login u password p', [entry]],
    ['macdef init\nmachine x login u password p\n\nmachine h login u password p\n', [entry]],
    ['machine h login u password p default\nmachine i login u password p\n', [entry]],
    ['default login u password p\nmachine h login u password p\n', [entry]],
    ['machine h login u', []],
  ])('%j', (text, entries) => expect(parseNetrc(text)).toEqual(entries));

  test('the first entry of a machine wins, and the port is part of its name', () => {
    const entries = parseNetrc(
      'machine h:8443 login a password b\nmachine h login u password p\nmachine h login x password y',
    );
    expect(findInNetrc(entries, 'h')).toEqual(entry);
    expect(findInNetrc(entries, 'h:8443')?.login).toBe('a');
    expect(findInNetrc(entries, 'h:1')).toBeUndefined();
  });

  test('is looked for in $NETRC, else in the home folder', () => {
    expect(netrcPaths({ NETRC: '/n' }, '/home/u')).toEqual(['/n']);
    expect(netrcPaths({}, '/home/u')).toEqual(['/home/u/.netrc']);
    expect(netrcPaths({}, undefined)).toEqual([]);
  });

  test('is read again when it changes; none is none, and a folder is no file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'larder-netrc-'));
    try {
      const file = netrcFile(join(folder, '.netrc'));
      expect(await file.readIfThere()).toBeUndefined();
      await writeFile(file.path, 'machine h login u password p\n');
      expect(await file.readIfThere()).toEqual([entry]);
      await writeFile(file.path, 'machine h login v password p\n');
      expect(await file.readIfThere()).toEqual([{ ...entry, login: 'v' }]);
      await expect(netrcFile(folder).readIfThere()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
