import { runConsole } from '@wardline/console'

await runConsole()
