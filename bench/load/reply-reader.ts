// Whether a reply is whole and exactly the expected bytes, in one pass over HTTP/1.1 framing. For the load's connections.

type Place = 'head' | 'fixed' | 'size' | 'chunk' | 'chunk_end' | 'trailer';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/** Feeds on socket chunks of one connection; throws on the first byte that is not as expected. */
export class ReplyReader {
  readonly #expected: Buffer;
  readonly #onEnd: (frames: number) => void;
  #place: Place = 'head';
  #pending: Buffer | null = null;
  #left = 0;
  #bodyAt = 0;
  #frames = 0;

  constructor(expected: Buffer, onEnd: (frames: number) => void) {
    this.#expected = expected;
    this.#onEnd = onEnd;
  }

  /** Bytes of the present body so far. */
  get bodyBytes(): number {
    return this.#bodyAt;
  }

  /** HTTP chunks of the present body so far. */
  get frames(): number {
    return this.#frames;
  }

  feed(chunk: Buffer): void {
    let data = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = null;
    while (data.length > 0) {
      const used = this.#step(data);
      if (used === 0) {
        this.#pending = data;
        return;
      }
      data = data.subarray(used);
    }
  }

  #step(data: Buffer): number {
    switch (this.#place) {
      case 'head':
        return this.#head(data);
      case 'fixed':
      case 'chunk':
        return this.#body(data);
      case 'size':
        return this.#size(data);
      case 'chunk_end':
        if (data.length < 2) return 0;
        this.#place = 'size';
        return 2;
      case 'trailer':
        if (data.length < 2) return 0;
        if (data[0] !== 13) throw new Error('a trailer that nobody announced');
        this.#end();
        return 2;
    }
  }

  #head(data: Buffer): number {
    const end = data.indexOf(HEAD_END);
    if (end === -1) return 0;
    const head = data.toString('latin1', 0, end + 2);
    if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`not a 200: ${data.toString('latin1', 0, 600)}`);
    this.#bodyAt = 0;
    this.#frames = 0;
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
    if (length !== undefined) {
      this.#left = Number(length);
      if (this.#left !== this.#expected.length) throw new Error(`a body of ${length} bytes`);
      this.#place = 'fixed';
    } else if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) this.#place = 'size';
    else throw new Error(`a body without a length: ${head}`);
    return end + 4;
  }

  #size(data: Buffer): number {
    const end = data.indexOf(LINE_END);
    if (end === -1) return 0;
    this.#left = Number.parseInt(data.toString('latin1', 0, end), 16);
    if (!(this.#left >= 0)) throw new Error('a chunk without a size');
    if (this.#left > 0) this.#frames++;
    this.#place = this.#left === 0 ? 'trailer' : 'chunk';
    return end + 2;
  }

  #body(data: Buffer): number {
    const take = Math.min(this.#left, data.length);
    const at = this.#bodyAt;
    if (at + take > this.#expected.length) throw new Error('more bytes than expected');
    if (this.#expected.compare(data, 0, take, at, at + take) !== 0) throw new Error(`other bytes after byte ${at}`);
    this.#bodyAt = at + take;
    this.#left -= take;
    if (this.#left === 0) {
      if (this.#place === 'fixed') this.#end();
      else this.#place = 'chunk_end';
    }
    return take;
  }

  #end(): void {
    if (this.#bodyAt !== this.#expected.length) throw new Error(`the body ended at byte ${this.#bodyAt}`);
    this.#place = 'head';
    this.#onEnd(this.#frames);
  }
}
