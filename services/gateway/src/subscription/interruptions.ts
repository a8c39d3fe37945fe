/** Counts the interruptions of a session's channel: after each one the session is read again, since a message may have been missed. */
export class Interruptions {
  #count = 0;
  /** The newest interruption after which the session has been read again. */
  #readAfter = 0;

  /** False from a reconnection until the session has been read: a message that was missed may have paused it. */
  get upToDate(): boolean {
    return this.#readAfter === this.#count;
  }

  /** The connection of the channel has been interrupted. Returns the interruption's number. */
  begin(): number {
    return ++this.#count;
  }

  /** The session has been read since that interruption. */
  readSince(interruption: number): void {
    this.#readAfter = Math.max(this.#readAfter, interruption);
  }
}
