/** Exit code 0 while the service in this container says that it is ready. */
import { get } from 'node:http'

const request = get(
  { host: '127.0.0.1', port: process.env.WARDLINE_METRICS_PORT, path: '/readyz', timeout: 2_000 },
  (response) => {
    response.resume()
    process.exitCode = response.statusCode === 200 ? 0 : 1
  },
)
request.on('timeout', () => request.destroy(new Error('no answer within two seconds')))
request.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 1
})
