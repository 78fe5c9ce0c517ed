// Which texts are an address or a network of proxies. For the schema.
import { z } from 'zod';

const DIGITS = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${DIGITS}(\\.${DIGITS}){3}$`);

function bitsOf(address: string): 32 | 128 | null {
  if (IPV4.test(address)) return 32;
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(address) || !address.includes(':')) return null;
  return URL.canParse(`http://[${address}]`) ? 128 : null;
}

/** An address, or one with a prefix length. A network of every address is none: it would trust whoever calls. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const bits = bitsOf(address);
  if (bits === null || more.length > 0) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits);
}

export function network() {
  return z
    .string()
    .refine(
      isNetwork,
      'must be an address or a network, such as 10.0.0.5, 10.0.0.0/8 or fd00::/8, and not all addresses',
    )
    .transform((text) => text.toLowerCase());
}
