// Decides how a refused JSON text is described: a closed code, the offset, the key where one is to blame.
// For the dialects, which turn it into their own 400, and for buffered checks of replies.

export type ScanFaultCode = 'invalid_json' | 'too_deep' | 'too_complex' | 'forbidden_key' | 'duplicate_key';

const KEY_LENGTH = 64;

export class ScanFault extends Error {
  readonly code: ScanFaultCode;
  /** Absolute byte offset of the first byte that cannot be accepted; the text's end where it is cut short. */
  readonly offset: number;
  /** The key to blame, cut to 64 characters: it is the caller's text. */
  readonly key: string | undefined;

  constructor(code: ScanFaultCode, offset: number, key?: string) {
    super(`${code} at byte ${offset}`);
    this.name = 'ScanFault';
    this.code = code;
    this.offset = offset;
    this.key = key?.slice(0, KEY_LENGTH);
  }
}

export function invalid(offset: number): never {
  throw new ScanFault('invalid_json', offset);
}
