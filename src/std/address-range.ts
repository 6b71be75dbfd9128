import { isIP, isIPv4 } from 'node:net';

/** Whether `text` is an address, or a range of addresses as `ADDRESS/BITS`. */
export function isAddressRange(text: string): boolean {
  const [network = '', bits, ...more] = text.split('/');
  if (more.length > 0 || isIP(network) === 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(network) ? 32 : 128));
}
