/**
 * Packed state: unsigned varints (LEB128, at most 2^53 - 1), doubles and texts, written into a buffer that is used again and
 * again. A store of many entries keeps them as `packed` texts: a fifth of what objects take, and nothing for the collector
 * to walk through.
 */
export class ByteWriter {
  #bytes = Buffer.alloc(4096)
  #length = 0

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(2 * this.#bytes.length, this.#length + size))
    this.#bytes.copy(larger)
    this.#bytes = larger
  }

  uint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  /** 48 bits, big-endian: at a fixed place, whatever the value. */
  uint48(value: number): void {
    this.#reserve(6)
    this.#length = this.#bytes.writeUIntBE(value, this.#length, 6)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleBE(value, this.#length)
  }

  text(text: string): void {
    const size = Buffer.byteLength(text)
    this.uint(size)
    this.#reserve(size)
    this.#length += this.#bytes.write(text, this.#length)
  }

  /** What was written, as a text of one character a byte; the writer is empty afterwards. */
  packed(): string {
    const packed = this.#bytes.toString('latin1', 0, this.#length)
    this.#length = 0
    return packed
  }

  /** What was written, copied; the writer is empty afterwards. */
  copied(): Buffer {
    const copy = Buffer.from(this.#bytes.subarray(0, this.#length))
    this.#length = 0
    return copy
  }
}

/** What `uint48` wrote at this place of a packed text, without reading the rest: what expiry asks of many. */
export function packedUint48(packed: string, at: number): number {
  let value = 0
  for (let i = at; i < at + 6; i++) value = value * 256 + packed.charCodeAt(i)
  return value
}

/** Reads what ByteWriter wrote. */
export class ByteReader {
  #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** What an earlier version wrote may end before what this one adds. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length
  }

  uint(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
  }

  uint48(): number {
    const value = this.#bytes.readUIntBE(this.#at, 6)
    this.#at += 6
    return value
  }

  double(): number {
    this.#at += 8
    return this.#bytes.readDoubleBE(this.#at - 8)
  }

  text(): string {
    const size = this.uint()
    this.#at += size
    return this.#bytes.toString('utf8', this.#at - size, this.#at)
  }
}
