import { defineConfig } from 'vitest/config'

const CONTAINER_TESTS = [
  '{test/containers,deploy/images,deploy/compose,deploy/helm}/**/*.integration.test.ts',
]
const oneAtATime = {
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 300_000,
  execArgv: ['--disable-warning=TimeoutNegativeWarning'],
}

// Three kinds: `x.test.ts` is pure and fast; `x.integration.test.ts` starts the real broker and registry, one file at a
// time; those about images, compose and the chart want a container engine or tools that take a while to build.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,services,cli,deploy,evaluation,training,test,bench}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          // None takes two seconds on a free machine; a busy one must not fail what is right.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{packages,services,cli,deploy,test,bench}/**/*.integration.test.ts'],
          exclude: ['**/node_modules/**', ...CONTAINER_TESTS],
          ...oneAtATime,
        },
      },
      {
        test: {
          name: 'containers',
          include: CONTAINER_TESTS,
          exclude: ['**/node_modules/**'],
          ...oneAtATime,
        },
      },
    ],
  },
})
