/** kafkajs's writer and reader of Kafka's protocol, for the requests that kafkajs 2.2.4 has not. */
import { internalOf } from './kafkajs-internals.ts'

export interface Encoder {
  writeInt8(value: number): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeInt64(value: number | string): Encoder
  writeString(value: string): Encoder
  writeUVarInt(value: number): Encoder
  writeUVarIntString(value: string | null): Encoder
  writeUVarIntArray(items: Encoder[]): Encoder
  writeBoolean(value: boolean): Encoder
  writeArray(items: Encoder[]): Encoder
}
export interface Decoder {
  readInt8(): number
  readInt16(): number
  readInt32(): number
  readInt64(): bigint | { toString(): string }
  readTaggedFields(): void
  readString(): string | null
  readUVarInt(): number
  readUVarIntString(): string | null
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[]
  readUVarIntBytes(): Buffer
  readBytes(length: number): Buffer
  readArray<T>(read: (decoder: Decoder) => T): T[]
}
export interface ProtocolRequest<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<Encoder>
  }
  readonly response: { decode(bytes: Buffer): Promise<T>; parse(answer: T): Promise<T> }
}
export const newEncoder = (): Encoder => new (internalOf<new () => Encoder>('kafkajs/src/protocol/encoder'))()
export const newDecoder = (bytes: Buffer): Decoder =>
  new (internalOf<new (bytes: Buffer) => Decoder>('kafkajs/src/protocol/decoder'))(bytes)
