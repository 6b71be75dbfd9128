/** A DNS server on UDP that says what a test wants: other addresses at every question, if need be. */
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';

export interface NameServer {
  /** Every question so far: `A rebind.test`. */
  readonly questions: readonly string[];
  close(): void;
}

const A = 1;
const AAAA = 28;

/** `answer` gives the addresses of a name, of both families; undefined for a name that does not exist, `silence` for no answer at all. All answers have a TTL of 0. */
export async function startNameServer(
  place: { readonly address: string; readonly port: number },
  answer: (name: string, nth: number) => readonly string[] | 'silence' | undefined,
): Promise<NameServer> {
  const questions: string[] = [];
  const counts = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const { name, type, end } = readQuestion(question);
    const asked = `${type === A ? 'A' : type === AAAA ? 'AAAA' : type} ${name}`;
    questions.push(asked);
    const nth = counts.get(asked) ?? 0;
    counts.set(asked, nth + 1);
    const found = answer(name, nth);
    if (found === 'silence') return;
    const fitting = (found ?? []).filter((one) => (isIPv4(one) ? A : AAAA) === type);
    socket.send(reply(question.subarray(0, end), found !== undefined, fitting, type), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(place.port, place.address, resolve));
  return { questions, close: () => socket.close() };
}

function readQuestion(packet: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let size = packet[at++] ?? 0; size > 0; size = packet[at++] ?? 0) {
    labels.push(packet.toString('latin1', at, at + size));
    at += size;
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at), end: at + 4 };
}

function reply(question: Buffer, isKnown: boolean, addresses: readonly string[], type: number): Buffer {
  const head = Buffer.from(question.subarray(0, 12));
  // An answer, with recursion; "no such name" where it is none.
  head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
  for (const [i, count] of [1, addresses.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * i);
  const records = addresses.map((one) => {
    const bytes = bytesOf(one);
    const record = Buffer.alloc(12);
    for (const [i, value] of [0xc00c, type, 1, 0, 0, bytes.length].entries()) record.writeUInt16BE(value, 2 * i);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([head, question.subarray(12), ...records]);
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
