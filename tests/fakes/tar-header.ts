/** A header of a tar archive as git writes it, its checksum right: of an empty file `a`, but for what is said. A size in words stands as it is. */
export function tarHeader({ name = 'a', type = '0', size = 0 }: TarHeader): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\0', 100);
  header.write(typeof size === 'string' ? size : size.toString(8).padStart(11, '0'), 124, 'latin1');
  header.write('00000000000\0        ', 136);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(7, '0')}\0`, 148);
  return header;
}

interface TarHeader {
  readonly name?: string;
  readonly type?: string;
  readonly size?: number | string;
}
