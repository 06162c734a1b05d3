import { CodecContext } from "node-av/lib";

/** Counts FFmpeg codec contexts that are opened and not freed while it is in scope. */
export class OpenContexts implements Disposable {
  readonly #open = new Set<CodecContext>();
  readonly #restore: () => void;

  constructor() {
    const open = this.#open;
    const { allocContext3, freeContext, [Symbol.dispose]: dispose } = CodecContext.prototype;
    CodecContext.prototype.allocContext3 = function (codec) {
      open.add(this);
      allocContext3.call(this, codec);
    };
    CodecContext.prototype.freeContext = function () {
      open.delete(this);
      freeContext.call(this);
    };
    CodecContext.prototype[Symbol.dispose] = function () {
      open.delete(this);
      dispose.call(this);
    };
    this.#restore = () => {
      Object.assign(CodecContext.prototype, { allocContext3, freeContext, [Symbol.dispose]: dispose });
    };
  }

  get count(): number {
    return this.#open.size;
  }

  [Symbol.dispose](): void {
    this.#restore();
  }
}
