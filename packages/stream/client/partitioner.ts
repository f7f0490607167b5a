/**
 * Kafka's default partitioning of a key: murmur2 of its bytes, sign bit cleared, modulo the number of
 * partitions, as in the Java client (org.apache.kafka.common.utils.Utils), so that any producer
 * puts a key where we look for it. Integer arithmetic throughout: kafkajs's own works on BigInt.
 */
export function partitionOf(key: Buffer, partitions: number, length = key.length): number {
  return (murmur2(key, length) & 0x7fffffff) % partitions
}

const SEED = 0x9747b28c
const M = 0x5bd1e995

/** Of the first `length` bytes. */
export function murmur2(data: Buffer, length = data.length): number {
  let h = SEED ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const left = length - i
  if (left >= 3) h ^= data[i + 2]! << 16
  if (left >= 2) h ^= data[i + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ data[i]!, M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  return (h ^ (h >>> 15)) | 0
}
