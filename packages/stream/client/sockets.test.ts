import { createServer, type Socket } from 'node:net'
import type { Kafka } from 'kafkajs'
import { expect, it } from 'vitest'
import { breakSockets, closeForgottenSockets, rememberSockets, trackedSockets } from './sockets.ts'

it('knows the sockets that are open, and closes those that were forgotten', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const open = new Set<Socket>()
  const create = trackedSockets(open)
  const connected = () =>
    new Promise<Socket>((resolve) => {
      const socket: Socket = create({
        host: '127.0.0.1',
        port,
        ssl: undefined as never,
        onConnect: () => resolve(socket),
      })
    })
  const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

  const orderly = await connected()
  const forgotten = await connected()
  expect(open.size).toBe(2)
  orderly.end()
  orderly.destroy()
  await closed(orderly)
  expect([...open]).toEqual([forgotten])

  const kafka = {} as Kafka
  rememberSockets(kafka, open)
  const broken = await connected()
  const told = new Promise<Error>((resolve) => broken.once('error', resolve))
  forgotten.once('error', () => {})
  breakSockets(kafka)
  expect((await told).message).toMatch(/does not answer/)
  const another = await connected()
  expect([...open]).toEqual([another])
  another.once('error', () => {})
  const end = closed(another)
  closeForgottenSockets(kafka)
  await end
  expect(open.size).toBe(0)
  server.close()
})
