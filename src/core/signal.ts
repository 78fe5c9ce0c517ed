// The life of a call seen from below: has the caller gone? For everything that waits on a caller's behalf.

/**
 * A one-shot cancellation, far cheaper than an AbortSignal. Listeners run once, in order, synchronously; one added
 * after the abort runs at once.
 */
export class CallSignal {
  aborted = false;
  #listeners: (() => void)[] | null = null;

  /** Calls `listener` when the call is aborted. */
  onAbort(listener: () => void): void {
    if (this.aborted) listener();
    else if (this.#listeners === null) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  /** Forgets a listener. */
  offAbort(listener: () => void): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.#listeners!.splice(at, 1);
  }

  /** Aborts the call; later calls do nothing. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const listeners = this.#listeners;
    this.#listeners = null;
    if (listeners !== null) for (const listener of listeners) listener();
  }
}
