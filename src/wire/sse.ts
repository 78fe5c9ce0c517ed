// Decides where server-sent events begin and end in a stream of bytes, and which of their bytes may go on.
// For the tap on every stream: bytes are forwarded as they came, whole events only, and judged one by one.

export { type EventData, encodeEvent, eventData, eventName } from './event.ts';

/** A judge's verdict: the event goes on as it came. */
export const FORWARD = 0;
/** The event is left out; the stream goes on. */
export const DROP = 1;
/** Neither the event nor anything after it goes on. */
export const STOP = 2;

/**
 * Gets an event [start, end) with the blank line that ends it. Offsets are valid during the call only. Must not throw:
 * a framer whose judge threw is in no defined state.
 */
export type Judge = (bytes: Uint8Array, start: number, end: number) => number;

export type FramerState = 'ok' | 'stopped' | 'too_large';

const LF = 0x0a;
const CR = 0x0d;
const BOM = Uint8Array.of(0xef, 0xbb, 0xbf);
const NOTHING = new Uint8Array(0);
const FIRST_HOLD_BYTES = 1024;
/** A larger hold is given up once its event is out, so that an idle stream stays small. */
const KEPT_HOLD_BYTES = 16 * 1024;

/**
 * Line ends are LF, CRLF and CR (WHATWG HTML, 9.2.5), in any mixture and split anywhere. An event that ends in CR at the
 * end of a chunk goes on at once, for CR alone ends a line; should the next chunk open with LF, that LF is the second half
 * of the same line end and shares the verdict of the event.
 */
export class EventFramer {
  readonly #judge: Judge;
  readonly #maxEventBytes: number;
  #state: FramerState = 'ok';
  #hold = NOTHING;
  #held = 0;
  /** The line in progress has no byte yet. */
  #lineEmpty = true;
  /** The last byte seen was a CR: an LF now belongs to the same line end. */
  #afterCr = false;
  /** The last byte seen was a CR that ended an event, and this was its verdict. */
  #owedLf: number = DROP;
  #eventEnded = false;
  /** Bytes of a byte order mark matched at the start of the stream; 3 once that question is settled. */
  #bom = 0;
  /** Bytes of a byte order mark in front of the first event, which the judge does not see. */
  #skip = 0;

  constructor(judge: Judge, maxEventBytes: number) {
    this.#judge = judge;
    this.#maxEventBytes = maxEventBytes;
  }

  /** Bytes since the last event boundary. */
  get heldBytes(): number {
    return this.#held;
  }

  get state(): FramerState {
    return this.#state;
  }

  /** The held bytes; a view, valid until the next push. */
  tail(): Uint8Array {
    return this.#hold.subarray(0, this.#held);
  }

  /**
   * Takes one chunk and hands on what may go on, in order: views of the chunk, or a copy of an event that began in an
   * earlier one. After `stopped` or `too_large` nothing is handed on any more.
   */
  push(chunk: Uint8Array, emit: (run: Uint8Array) => void): FramerState {
    if (this.#state !== 'ok' || chunk.length === 0) return this.#state;
    const size = chunk.length;
    let i = this.#bom < 3 ? this.#startOfStream(chunk) : 0;
    let lineEmpty = this.#lineEmpty;
    let afterCr = this.#afterCr;
    let eventStart = 0;
    let runStart = 0;

    if (afterCr && chunk[i] === LF) {
      i++;
      if (this.#eventEnded) {
        eventStart = i;
        if (this.#owedLf !== FORWARD) runStart = i;
      }
    }
    afterCr = false;
    this.#eventEnded = false;
    while (i < size) {
      const byte = chunk[i] as number;
      if (byte > CR) {
        i++;
        lineEmpty = false;
        while (i < size && (chunk[i] as number) > CR) i++;
        continue;
      }
      i++;
      if (byte === LF || byte === CR) {
        if (byte === CR) {
          if (i === size) afterCr = true;
          else if (chunk[i] === LF) i++;
        }
        if (!lineEmpty) {
          lineEmpty = true;
          continue;
        }
        const held = this.#held;
        if (held + i - eventStart > this.#maxEventBytes)
          return this.#close('too_large', chunk, runStart, eventStart, emit);
        const verdict = held > 0 ? this.#judgeHeld(chunk, i, emit) : this.#judge(chunk, eventStart + this.#skip, i);
        this.#skip = 0;
        if (verdict === STOP) return this.#close('stopped', chunk, runStart, eventStart, emit);
        if (held > 0) runStart = i;
        else if (verdict !== FORWARD) {
          if (eventStart > runStart) emit(chunk.subarray(runStart, eventStart));
          runStart = i;
        }
        eventStart = i;
        if (afterCr) {
          this.#eventEnded = true;
          this.#owedLf = verdict;
        }
      } else lineEmpty = false;
    }
    this.#afterCr = afterCr;
    this.#lineEmpty = lineEmpty;
    if (eventStart > runStart)
      emit(runStart === 0 && eventStart === size ? chunk : chunk.subarray(runStart, eventStart));
    if (eventStart < size) {
      if (this.#held + size - eventStart > this.#maxEventBytes) return this.#close('too_large', chunk, 0, 0, emit);
      this.#append(chunk, eventStart, size);
    }
    return 'ok';
  }

  #startOfStream(chunk: Uint8Array): number {
    let i = 0;
    while (this.#bom < 3 && i < chunk.length) {
      if (chunk[i] !== BOM[this.#bom]) {
        if (this.#bom > 0) this.#lineEmpty = false;
        this.#bom = 3;
        return i;
      }
      i++;
      if (++this.#bom === 3) this.#skip = 3;
    }
    return i;
  }

  /** Ends the framing; the run before the event that ended it still goes on. */
  #close(
    state: FramerState,
    chunk: Uint8Array,
    start: number,
    end: number,
    emit: (run: Uint8Array) => void,
  ): FramerState {
    this.#state = state;
    this.#hold = NOTHING;
    this.#held = 0;
    if (end > start) emit(chunk.subarray(start, end));
    return state;
  }

  /** Completes the held event with the first `end` bytes of the chunk. */
  #judgeHeld(chunk: Uint8Array, end: number, emit: (run: Uint8Array) => void): number {
    this.#append(chunk, 0, end);
    const size = this.#held;
    const verdict = this.#judge(this.#hold, this.#skip, size);
    // Copied, for the receiver may keep it while the hold takes the next event.
    if (verdict === FORWARD) emit(this.#hold.slice(0, size));
    this.#held = 0;
    if (this.#hold.length > KEPT_HOLD_BYTES) this.#hold = NOTHING;
    return verdict;
  }

  #append(chunk: Uint8Array, start: number, end: number): void {
    const need = this.#held + end - start;
    if (need > this.#hold.length) {
      // Doubling keeps the copying linear however small the chunks are.
      const grown = new Uint8Array(Math.max(FIRST_HOLD_BYTES, this.#hold.length * 2, need));
      grown.set(this.#hold.subarray(0, this.#held));
      this.#hold = grown;
    }
    this.#hold.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.#held);
    this.#held = need;
  }
}
